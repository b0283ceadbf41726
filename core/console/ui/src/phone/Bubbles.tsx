import { Bubble } from "./Bubble";
import type { LineMessage } from "./message";
import style from "./phone.module.css";
import { SceneProvider } from "./scene";
import { words } from "./words";

type Props = { messages: LineMessage[]; label: string; language: string };

// Bubbles are messages without a phone around them, small, beside words that say what they are.
export function Bubbles({ messages, label, language }: Props) {
  const say = words(language);
  return (
    <fieldset aria-label={label} className={style.bubbles} lang={language}>
      {messages.map((m, i) => (
        <SceneProvider key={i} value={{ say, gaps: [] }}>
          <Bubble message={m} tail={i === 0} />
        </SceneProvider>
      ))}
    </fieldset>
  );
}
