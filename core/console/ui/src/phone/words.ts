import en from "../../locales/en/phone.json";
import ja from "../../locales/ja/phone.json";

export type Say = (key: keyof typeof en, gaps?: Record<string, string | number>) => string;

// words gives the phone's own sentences; it is also used where there is no translation library.
export function words(language: string): Say {
  const texts = language.startsWith("ja") ? ja : en;
  return (key, gaps = {}) =>
    texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(gaps[name] ?? whole));
}
