import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

export type Language = "en" | "ja";
export type Say = (key: string, values?: Record<string, string | number>) => string;

// say gives the console's own words, so that a test reads the same in each language. That the
// words are those of the specification is judged where they are written.
export function say(language: Language): Say {
  const folder = path.join(import.meta.dirname, "..", "locales", language);
  const all: Record<string, string> = Object.assign(
    {},
    ...readdirSync(folder).map((file) => JSON.parse(readFileSync(path.join(folder, file), "utf8"))),
  );
  return (key, values = {}) => {
    const text = all[key] ?? all[`${key}_${values.n === 1 && language === "en" ? "one" : "other"}`];
    if (text === undefined) throw new Error(`no words for ${key}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? `{${name}}`));
  };
}
