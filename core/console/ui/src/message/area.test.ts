import { expect, test } from "vitest";
import { byKey, drawn, moved, sized } from "./area";

const board = { width: 1040, height: 520 };

test("an area is drawn from any corner, on the grid, inside the picture; a slip draws none", () => {
  expect(drawn({ x: 0, y: 0 }, { x: 521, y: 261 }, board)).toEqual({ x: 0, y: 0, width: 520, height: 260 });
  expect(drawn({ x: 2000, y: 900 }, { x: 519, y: 259 }, board)).toEqual({
    x: 520,
    y: 260,
    width: 520,
    height: 260,
  });
  expect(drawn({ x: 100, y: 100 }, { x: 104, y: 300 }, board)).toBeUndefined();
});

test("an area never leaves the picture, and keeps its size while it moves", () => {
  const a = { x: 520, y: 260, width: 520, height: 260 };
  expect(moved(a, 100, 100, board)).toEqual(a);
  expect(moved(a, -2000, -2000, board)).toEqual({ ...a, x: 0, y: 0 });
  expect(sized(a, 500, 500, board)).toEqual(a);
  expect(sized(a, -2000, -2000, board)).toEqual({ ...a, width: 21, height: 21 });
});

test("arrow keys move one percent, with Shift they size; other keys are left alone", () => {
  const a = { x: 104, y: 104, width: 208, height: 104 };
  expect(byKey(a, "ArrowRight", false, board)).toEqual({ ...a, x: 114 });
  expect(byKey(a, "ArrowDown", true, board)).toEqual({ ...a, height: 114 });
  expect(byKey(a, "Tab", false, board)).toBeUndefined();
});
