import { afterEach, expect, test } from "vitest";
import { letterOf } from "./letters";

const press = (key: string, more: KeyboardEventInit = {}, target: EventTarget = document.body) => {
  let letter: string | undefined;
  const hear = (event: KeyboardEvent) => {
    letter = letterOf(event);
  };
  document.addEventListener("keydown", hear);
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
  document.removeEventListener("keydown", hear);
  return letter;
};

afterEach(() => {
  localStorage.clear();
  document.body.replaceChildren();
});

test("a single key is for the page, but not while somebody types or an IME composes", () => {
  expect(press("u")).toBe("u");
  expect(press("u", { ctrlKey: true })).toBeUndefined();
  expect(press("u", { isComposing: true })).toBeUndefined();
  expect(press("u", { keyCode: 229 })).toBeUndefined();
  document.body.innerHTML = "<input><div contenteditable></div>";
  for (const field of document.body.children) expect(press("u", {}, field)).toBeUndefined();
});

test("who turned single keys off is heard by none", () => {
  localStorage.setItem("lumo.letters", "false");
  expect(press("/")).toBeUndefined();
  localStorage.setItem("lumo.letters", "true");
  expect(press("/")).toBe("/");
});
