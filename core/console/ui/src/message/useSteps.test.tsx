import { act, cleanup, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useSteps } from "./useSteps";

let change: (v: string) => void;

function Editor() {
  const [value, set] = useState("a");
  change = set;
  useSteps(value, set, (before, after) => after.startsWith(before));
  return (
    <>
      <output>{value}</output>
      <input aria-label="field" />
    </>
  );
}

const press = (shiftKey = false, target: EventTarget = document.body) =>
  act(() => {
    target.dispatchEvent(new KeyboardEvent("keydown", { key: "z", ctrlKey: true, shiftKey, bubbles: true }));
  });
const write = (v: string) => act(() => change(v));
const shown = () => screen.getByRole("status").textContent;

beforeEach(() => {
  vi.useFakeTimers();
  render(<Editor />);
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test("changes are taken back and made again, close ones together", () => {
  write("b");
  vi.advanceTimersByTime(2000);
  write("c");
  write("cd"); // the same word goes on
  press();
  expect(shown()).toBe("b");
  press();
  press(); // there is nothing before the first
  expect(shown()).toBe("a");
  press(true);
  press(true);
  expect(shown()).toBe("cd");
  press();
  write("e"); // what was taken back is gone for good
  press(true);
  expect(shown()).toBe("e");
});

test("what does not go on with the change before is a step of its own, however soon", () => {
  write("b");
  write("c");
  press();
  expect(shown()).toBe("b");
});

test("in a text field the keys are the field's own", () => {
  write("b");
  press(false, screen.getByLabelText("field"));
  expect(shown()).toBe("b");
});
