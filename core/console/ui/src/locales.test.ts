import { expect, test } from "vitest";

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

const reasons = [
  "unlinked",
  "blocked",
  "not_friend",
  "empty_recipient",
  "duplicate",
  "cap",
  "too_late",
  "erased",
  "quiet_hours",
  "hold_expired",
  "left_segment",
  "holdout",
  "no_content",
  "too_long",
  "dropped",
  "bad_body",
  "unknown_message",
  "other_account",
  "group_id",
  "over_limit",
  "stopped",
  "quota",
  "rate",
  "quiet_hours_wait",
  "line_refused",
  "unanswered",
  "unconfirmed",
  "late_event",
  "no_key",
  "wrong_key",
];

test("each reason has its sentence", () => {
  for (const language of ["en", "ja"])
    for (const code of reasons) expect(texts(language)[`reason.${code}`], `${language} ${code}`).toBeTruthy();
});

test("texts use the marketer's words", () => {
  const forbidden =
    /\b(payload|token|null|job|endpoint|4xx|sync failed|invalid|successfully|please|delivered)\b/i;
  for (const [key, text] of Object.entries(texts("en"))) expect(text, key).not.toMatch(forbidden);
  for (const [key, text] of Object.entries(texts("ja")))
    expect(text, key).not.toMatch(/届きました|既読|ペイロード|トークン/);
});
