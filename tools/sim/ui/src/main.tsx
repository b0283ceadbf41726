import { useState } from "react";
import { createRoot } from "react-dom/client";
import { KlaviyoPage } from "./Klaviyo";
import { PhonePage } from "./Phone";
import { Rehearse } from "./Rehearse";
import { Language, useSay } from "./words";
import "./sim.css";

const klaviyo = location.pathname.startsWith("/klaviyo");
const kept = localStorage.getItem("sim.language") ?? (navigator.language.startsWith("ja") ? "ja" : "en");

function Simulator() {
  const [language, setLanguage] = useState(kept);
  document.documentElement.lang = language;
  const choose = (l: string) => {
    localStorage.setItem("sim.language", l);
    setLanguage(l);
  };
  return (
    <Language value={language}>
      <Ribbon language={language} choose={choose} />
      <main>
        {klaviyo ? <KlaviyoPage /> : <PhonePage />}
        <Rehearse />
      </main>
    </Language>
  );
}

function Ribbon({ language, choose }: { language: string; choose: (l: string) => void }) {
  const say = useSay();
  const here = (yes: boolean) => (yes ? "page" : undefined);
  return (
    <header className="ribbon">
      <strong>{say("ribbon")}</strong>
      <nav aria-label="Pages">
        <a href="/phone" aria-current={here(!klaviyo)}>{say("phones")}</a>
        <a href="/klaviyo" aria-current={here(klaviyo)}>{say("klaviyo")}</a>
      </nav>
      <span className="languages">
        {[["en", "English"], ["ja", "日本語"]].map(([l, name]) => (
          <button key={l} type="button" lang={l} aria-pressed={l === language} onClick={() => choose(l ?? "en")}>{name}</button>
        ))}
      </span>
    </header>
  );
}

const root = document.getElementById("root");
if (root) createRoot(root).render(<Simulator />);
