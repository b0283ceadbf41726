import { renderHook } from "@testing-library/react";
import i18next from "i18next";
import { beforeEach, expect, test } from "vitest";
import "../i18n";
import type { Problem } from "./model";
import { placeOf, show, useProblems } from "./problems";

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
