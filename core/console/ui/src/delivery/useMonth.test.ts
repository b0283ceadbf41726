import { expect, test } from "vitest";
import { counted, type Month } from "./useMonth";

test("what is used is never said to be more than the limit", () => {
  const of = (used: number) => counted({ used, limit: 5000 } as Month);
  expect(of(4999)).toEqual({ used: 4999, over: 0 });
  expect(of(5000)).toEqual({ used: 5000, over: 0 });
  expect(of(5001)).toEqual({ used: 5000, over: 1 });
});
