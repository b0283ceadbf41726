import { describe, expect, test } from "vitest";
import { byKey, closest, fits, largest, moved, zoomed, zoomOf } from "./cut";

const wide = { width: 400, height: 200 };

describe("the part of a picture that is seen", () => {
  test("by itself LINE shows as much as fits, from the middle", () => {
    expect(largest(wide, 1)).toEqual({ x: 100, y: 0, width: 200, height: 200 });
    expect(largest({ width: 200, height: 400 }, 2)).toEqual({ x: 0, y: 150, width: 200, height: 100 });
  });

  test("a picture of the ratio is seen whole, but for a pixel of rounding", () => {
    expect(fits(wide, 2)).toBe(true);
    expect(fits({ width: 1024, height: 665 }, 20 / 13)).toBe(true);
    expect(fits(wide, 1)).toBe(false);
  });

  test("it never leaves the picture", () => {
    const part = largest(wide, 1);
    expect(moved(part, 999, -5, wide)).toEqual({ ...part, x: 200, y: 0 });
    expect(moved(part, -999, 5, wide)).toEqual({ ...part, x: 0 });
  });

  test("zooming keeps the middle and the ratio, between all and the closest", () => {
    const part = largest(wide, 1);
    const near = zoomed(part, wide, 1, 2);
    expect(near).toEqual({ x: 150, y: 50, width: 100, height: 100 });
    expect(zoomOf(near, wide, 1)).toBe(2);
    expect(zoomed(near, wide, 1, 0.5)).toEqual(part);
    expect(zoomOf(zoomed(part, wide, 1, 99), wide, 1)).toBe(closest);
    expect(zoomed(moved(near, 999, 999, wide), wide, 1, 1)).toEqual({ ...part, x: 200 });
  });

  test("arrow keys move it, plus and minus zoom, other keys are the page's", () => {
    const part = largest(wide, 1);
    expect(byKey(part, "ArrowLeft", wide, 1)).toEqual({ ...part, x: 92 });
    expect(byKey(part, "+", wide, 1)?.width).toBe(182);
    expect(byKey(part, "-", wide, 1)).toEqual(part);
    expect(byKey(part, "Tab", wide, 1)).toBeUndefined();
  });
});
