import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { otherReasons, reasonCodes, reasonSteps, stepsBeside, withoutStep } from "./parts/reason";

const files = import.meta.glob<Record<string, string>>("../locales/*/*.json", {
  eager: true,
  import: "default",
});

function texts(language: string): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, part] of Object.entries(files))
    if (name.includes(`/${language}/`)) Object.assign(all, part);
  return all;
}

test("each text exists in both languages, with the same gaps", () => {
  const en = texts("en");
  const ja = texts("ja");
  const names = (of: Record<string, string>) => [...new Set(Object.keys(of).map(whole))].sort();
  expect(names(ja)).toEqual(names(en));
  const gaps = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
  for (const key of Object.keys(en)) {
    const other = ja[key] ?? ja[`${whole(key)}_other`] ?? "";
    expect(gaps(other), key).toEqual(gaps(en[key] ?? ""));
  }
});

test("each text that a page names is there", () => {
  const pages = import.meta.glob<string>("./**/*.{ts,tsx}", {
    eager: true,
    query: "?raw",
    import: "default",
  });
  const keys = Object.keys(texts("en"));
  const areas = new Set(keys.map((key) => key.split(".")[0]));
  const known = new Set([...keys.map(whole), "delivery.state"]); // that one is a live message
  const begun = (key: string) => keys.some((one) => one.startsWith(`${key}.`)); // its end is a value
  const missing: string[] = [];
  for (const [name, source] of Object.entries(pages))
    for (const [, key = ""] of source.matchAll(/"([a-z][A-Za-z]*(?:\.[A-Za-z0-9_]+)+)"/g))
      if (areas.has(key.split(".")[0]) && !known.has(key) && !begun(key)) missing.push(`${name} ${key}`);
  expect(missing).toEqual([]);
});

// whole is a key without its plural form: English has one and other, Japanese has other.
const whole = (key: string) => key.replace(/_(one|other)$/, "");

test("a text that counts has all forms of its language", () => {
  for (const [language, forms] of [
    ["en", ["one", "other"]],
    ["ja", ["other"]],
  ] as const)
    for (const key of Object.keys(texts(language)).filter((k) => /_(one|other)$/.test(k)))
      for (const form of forms) expect(texts(language)[`${whole(key)}_${form}`], key).toBeTruthy();
});

// The codes that calls and messages can carry, as the core lists them; codes of links and QR
// codes are pages of their own.
const links = /^(bad_token|unknown_|bad_state|expired_state|paused_code|bad_origin|too_large|bad_method)/;
const core = readFileSync("../../../shared/edgeapi/reason.go", "utf8");
const reasons = [...core.matchAll(/"([a-z_]+)"/g)]
  .map((m) => m[1] ?? "")
  .filter((code) => !links.test(code) || code === "unknown_message");

test("each reason has its sentence, a short name and a next step", () => {
  expect(reasons.length).toBeGreaterThan(30);
  for (const language of ["en", "ja"] as const)
    for (const code of reasons) {
      const all = texts(language);
      expect(all[`reason.${code}`], `${language} ${code}`).toBeTruthy();
      expect(all[`reason.short.${code}`], `${language} ${code}`).toBeTruthy();
      const step = reasonSteps[code]?.[0];
      if (step) expect(all[`reason.next.${step}`], `${language} ${code}`).toBeTruthy();
    }
  for (const code of reasons)
    expect(
      [reasonSteps[code], stepsBeside.includes(code), withoutStep.includes(code)].filter(Boolean),
      code,
    ).toHaveLength(1);
});

test("the Flow doctor's filter has each reason that a call can end or wait with", () => {
  expect([...reasonCodes].sort()).toEqual(reasons.filter((code) => !otherReasons.includes(code)).sort());
});

test("each reason for which an edge refuses modules has its sentence", () => {
  const all = readFileSync("../../../shared/edgeapi/refusal.go", "utf8");
  const codes = [...(/return \[\]string\{"", (.*)\}/.exec(all)?.[1] ?? "").matchAll(/"([a-z]+)"/g)];
  expect(codes.length).toBeGreaterThan(9);
  for (const language of ["en", "ja"] as const)
    for (const [, code] of codes)
      expect(texts(language)[`ops.refusal.${code}`], `${language} ${code}`).toBeTruthy();
});

test("texts use the marketer's words", () => {
  const forbidden =
    /\b(payload|token|null|job|endpoint|4xx|sync failed|invalid|successfully|please|delivered)\b/i;
  for (const [key, text] of Object.entries(texts("en"))) expect(text, key).not.toMatch(forbidden);
  for (const [key, text] of Object.entries(texts("ja")))
    expect(text, key).not.toMatch(
      /届きました|既読|ペイロード|トークン|ジョブ|エンドポイント|同期失敗|無効な値/,
    );
});
