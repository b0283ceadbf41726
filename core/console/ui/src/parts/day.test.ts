import { expect, test } from "vitest";
import { dayAt, dayOf, endOf, isDay, utcDay } from "./day";

test("only days that there are count", () => {
  expect(["2026-11-24", "2024-02-29"].every(isDay)).toBe(true);
  for (const no of ["2026-02-30", "2026-13-01", "yesterday", "", "2026-11-24T00:00", "+002026-11-24"])
    expect(isDay(no)).toBe(false);
});

test("a day is read as it is written", () => {
  expect(utcDay(dayAt("2026-11-24"))).toBe("2026-11-24");
});

test("a day ends when it ends in the shop's zone", () => {
  expect(endOf("2026-11-24", "Asia/Tokyo")).toBe("2026-11-24T15:00:00.000Z");
  expect(endOf("2026-11-24", "UTC")).toBe("2026-11-25T00:00:00.000Z");
  expect(endOf("2026-12-31", "America/New_York")).toBe("2027-01-01T05:00:00.000Z");
  expect(endOf("2026-07-01", "America/New_York")).toBe("2026-07-02T04:00:00.000Z");
});

test("the day that a moment ends is read back from it, wherever the shop is", () => {
  for (const zone of ["Asia/Tokyo", "UTC", "America/New_York"])
    expect(dayOf(endOf("2026-11-24", zone), zone)).toBe("2026-11-24");
  expect(dayOf("2026-11-24T14:59:59Z", "Asia/Tokyo")).toBe("2026-11-24");
});
