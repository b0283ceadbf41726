import i18next from "i18next";
import { initReactI18next } from "react-i18next";

const files = import.meta.glob<Record<string, string>>("../locales/*/*.json", {
  eager: true,
  import: "default",
});

// resources joins one language's files; keys are <capability>.<screen>.<what>.
function resources(language: string): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, texts] of Object.entries(files))
    if (name.includes(`/${language}/`)) Object.assign(all, texts);
  return all;
}

export const languages = ["en", "ja"] as const;

const stored = localStorage.getItem("lumo.language");
const first = stored ?? (navigator.language.startsWith("ja") ? "ja" : "en");

i18next.use(initReactI18next).init({
  lng: first,
  fallbackLng: "en",
  keySeparator: false,
  nsSeparator: false,
  interpolation: { escapeValue: false, prefix: "{", suffix: "}" },
  resources: { en: { translation: resources("en") }, ja: { translation: resources("ja") } },
});
document.documentElement.lang = first;

export function setLanguage(language: string) {
  localStorage.setItem("lumo.language", language);
  document.documentElement.lang = language;
  i18next.changeLanguage(language);
}

export default i18next;
