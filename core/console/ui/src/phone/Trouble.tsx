import style from "./phone.module.css";
import { useScene } from "./scene";

// Unknown stands where the phone cannot draw something, with the path that LINE would name.
export function Unknown({ path }: { path: string }) {
  const { say } = useScene();
  return <div className={style.unknown}>{say("phone.unknown", { path })}</div>;
}

// Sentences say below a message what LINE would refuse.
export function Sentences({ sentences }: { sentences: string[] }) {
  return sentences.map((sentence) => (
    <div key={sentence} className={style.trouble}>
      {sentence}
    </div>
  ));
}
