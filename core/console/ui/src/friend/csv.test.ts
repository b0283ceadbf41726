import { expect, test } from "vitest";
import { parts } from "./csv";

test("a large file is cut between lines, each part with the head", () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => `frd_${i},person${i}@shop.example`);
  const all = parts(`﻿friend,email\r\n${lines.join("\r\n")}`);
  expect(all.length).toBeGreaterThan(1);
  for (const part of all) expect(part.text.startsWith("friend,email\n")).toBe(true);
  expect(all.flatMap((p) => p.text.split("\n").slice(1))).toEqual(lines);
  expect(all[1]?.before).toBe((all[0]?.text.split("\n").length ?? 0) - 1);
});
