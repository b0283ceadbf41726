import "@fontsource-variable/inter/index.css";
import "@fontsource/noto-sans-jp/japanese-400.css";
import "@fontsource/noto-sans-jp/japanese-700.css";
import "@fontsource/noto-sans-tc/chinese-traditional-400.css";
import "@fontsource/noto-sans-thai/thai-400.css";
import "@fontsource/noto-emoji/400.css";
import "./gallery.css";
import { createRoot } from "react-dom/client";
import { LinePhone } from "../../src/phone/LinePhone";
import { goldens } from "./messages";
import { picture } from "./pictures";

// Phone shows one golden message.
function Phone({ name, golden }: { name: string; golden: (typeof goldens)[string] }) {
  return (
    <LinePhone
      account={{ name: "Hana Tea", verified: true }}
      label={`Preview of ${name}`}
      messages={golden.messages}
      language={golden.language}
      showAreas={golden.showAreas}
      resolveImage={picture}
      onAction={() => {}}
    />
  );
}

// The gallery shows the message that the address names, or all of them.
function Gallery() {
  const name = new URLSearchParams(location.search).get("name");
  return Object.entries(goldens)
    .filter(([n]) => !name || n === name)
    .map(([n, golden]) => <Phone key={n} name={n} golden={golden} />);
}

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <>
      <h1>Golden messages</h1>
      <Gallery />
    </>,
  );
