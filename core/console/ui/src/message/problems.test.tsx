import { renderHook } from "@testing-library/react";
import i18next from "i18next";
import { beforeEach, expect, test } from "vitest";
import "../i18n";
import type { Problem } from "./model";
import { lineCause, placeOf, show, useProblems } from "./problems";

const problem = (p: Partial<Problem>): Problem => ({
  block: 0,
  code: "empty",
  level: "error",
  sentence: "",
  ...p,
});

beforeEach(() => i18next.changeLanguage("en"));

test("fields have the names that the editor gives them, and JSON its lines", () => {
  const picture = `{"type":"image","originalContentUrl":"","previewImageUrl":""}`;
  const written = `{"type":"flex"}`;
  const { result } = renderHook(() => useProblems([picture, written]));
  const empty = { data: { field: "originalContentUrl" }, path: "originalContentUrl", line: 1 };
  expect(result.current(problem(empty))).toBe("“Picture” is empty.");
  expect(result.current(problem({ block: 1, code: "missing", line: 3, data: { field: "altText" } }))).toBe(
    "Line 3: “altText” is missing.",
  );
});

test("each problem has its place in the editor", () => {
  expect(placeOf(problem({ block: 2 }))).toBe("block-3");
  expect(placeOf(problem({ block: -1, path: "utm_campaign" }))).toBe("campaign");
  expect(placeOf(problem({ block: -1, path: "quickReply.items[0].action.label" }))).toBe("extras");
  expect(placeOf(problem({ block: -1, path: "sender.name" }))).toBe("extras");
  expect(placeOf(problem({ block: -1, code: "no_blocks" }))).toBeUndefined();
});

test("the keyboard goes to the field that says the problem", () => {
  document.body.innerHTML = `<section id="block-1"><input id="fine">
    <input id="long" aria-invalid="true" aria-describedby="a"><p id="a">Too long.</p>
    <input id="none" aria-invalid="true" aria-describedby="b"><p id="b">It is empty.</p></section>`;
  Element.prototype.scrollIntoView = () => {};
  show("block-1", "It is empty.");
  expect(document.activeElement?.id).toBe("none");
  show("block-1", "Something else.");
  expect(document.activeElement?.id).toBe("long");
});

test("what LINE refuses most often has a sentence of ours in both languages", async () => {
  const said = (original: string) => lineCause(problem({ code: "line_refuses", data: { original } }));
  for (const [original, name] of [
    ["May not be empty", "empty"],
    ["Length must be between 0 and 5000", "length"],
    ["Size must be between 1 and 5", "size"],
    ["Must be one of the following values: [sm, md]", "oneOf"],
    ["invalid uri scheme", "address"],
  ] as const) {
    expect(said(original)?.key, original).toBe(`problem.line.${name}`);
    for (const language of ["en", "ja"])
      expect(i18next.exists(`problem.line.${name}`, { lng: language })).toBe(true);
  }
  expect(said("Length must be between 0 and 5000")?.values).toEqual({ from: "0", to: "5000" });
  expect(said("Something else")).toBeUndefined();
});
