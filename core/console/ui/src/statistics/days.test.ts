import { expect, test } from "vitest";
import { before, last, length, today, wrong } from "./days";

test("today is the shop's day, not the browser's", () => {
  const now = Date.parse("2026-11-24T16:30:00Z");
  expect(today("Asia/Tokyo", now)).toBe("2026-11-25");
  expect(today("America/Los_Angeles", now)).toBe("2026-11-24");
});

test("ranges have both their ends, over months and days of 23 hours", () => {
  expect(last(7, "2026-03-03")).toEqual({ from: "2026-02-25", to: "2026-03-03" });
  expect(length({ from: "2026-03-01", to: "2026-03-31" })).toBe(31);
  expect(before({ from: "2026-11-10", to: "2026-11-12" })).toEqual({ from: "2026-11-07", to: "2026-11-09" });
});

test("a range without figures says why", () => {
  expect(wrong({ from: "2026-11-24", to: "2026-11-24" })).toBeUndefined();
  expect(wrong(last(400, "2026-11-24"))).toBeUndefined();
  expect(wrong(last(401, "2026-11-24"))).toBe("long");
  expect(wrong({ from: "2026-11-24", to: "2026-11-23" })).toBe("order");
  for (const day of ["", "soon", "2026-13-01", "2026-02-30"])
    expect(wrong({ from: day, to: "2026-11-24" })).toBe("incomplete");
});
