import i18next from "i18next";
import { expect, test } from "vitest";
import "../i18n";
import { lineCause, refusalOf } from "./lineWords";

test("what LINE refuses most often has a sentence of ours in both languages", () => {
  for (const [original, name] of [
    ["May not be empty", "empty"],
    ["Length must be between 0 and 5000", "length"],
    ["Size must be between 1 and 5", "size"],
    ["Must be one of the following values: [sm, md]", "oneOf"],
    ["invalid uri scheme", "address"],
    ["Must be a valid HTTPS URL", "address"],
  ] as const) {
    expect(lineCause(original)?.key, original).toBe(`problem.line.${name}`);
    for (const language of ["en", "ja"])
      expect(i18next.exists(`problem.line.${name}`, { lng: language })).toBe(true);
  }
  expect(lineCause("Length must be between 0 and 5000")?.values).toEqual({ from: "0", to: "5000" });
  expect(lineCause("Something else")).toBeUndefined();
});

test("a message that LINE refused is told of by block and cause, in plain words", () => {
  const of = "The request body has 1 error(s)";
  for (const [language, says] of [
    [
      "en",
      [
        "LINE found a mistake in block 2 of the message. Its text must have 0 to 5000 characters.",
        "LINE found a mistake in the message. It must have 1 to 5 entries.",
        "LINE found a mistake in block 1 of the message.",
      ],
    ],
    [
      "ja",
      [
        "メッセージのブロック2に誤りがあります。文字数は0~5000文字にしてください。",
        "メッセージの内容に誤りがあります。件数は1~5件にしてください。",
        "メッセージのブロック1に誤りがあります。",
      ],
    ],
  ] as const) {
    const t = i18next.getFixedT(language);
    const said = [
      `${of}; Length must be between 0 and 5000 messages[1].text`,
      `${of}; Size must be between 1 and 5 messages`,
      "A message (messages[0]) in the request body is invalid",
    ];
    expect(said.map((words) => refusalOf(words, t))).toEqual(says);
    expect(refusalOf("Not allowed to use this API", t)).toBeUndefined();
  }
});
