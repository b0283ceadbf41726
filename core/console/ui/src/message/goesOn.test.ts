import { expect, test } from "vitest";
import { goesOn } from "./model";

test("writing on in one block goes on; adding, removing and moving blocks does not", () => {
  const of = (...blocks: string[]) => ({ blocks, utm: {} });
  expect(goesOn(of("a", "b"), of("a", "bc"))).toBe(true);
  expect(goesOn(of("a"), of("a", "b"))).toBe(false);
  expect(goesOn(of("a", "b"), of("a"))).toBe(false);
  expect(goesOn(of("a", "b"), of("b", "a"))).toBe(false);
});
