import { expect, test } from "vitest";
import * as format from "./format";

const at = new Date("2026-11-24T01:00:10Z");
const zone = "Asia/Tokyo";

test("moments are written as each language writes them, in the shop's zone", () => {
  expect(format.moment(at, "ja", zone)).toBe("2026年11月24日(火) 10:00");
  expect(format.moment(at, "en", zone)).toBe("Tue 24 Nov 2026, 10:00");
  expect(format.moment(at, "zh-TW", zone)).toBe("2026年11月24日(週二) 10:00");
  expect(format.moment(at, "th", zone)).toBe("24 พ.ย. 2026 10:00");
  expect(format.time(at, "ja", zone, true)).toBe("10:00:10");
});

test("times are relative only under an hour", () => {
  const now = at.getTime();
  expect(format.ago(at, "en", now + 3 * 60_000)).toBe("3 min. ago");
  expect(format.ago(at, "ja", now + 3 * 60_000)).toBe("3 分前");
  expect(format.ago(at, "en", now + 60 * 60_000)).toBeUndefined();
  expect(format.short(at, "ja", zone, now + 2 * 3_600_000)).toBe("10:00");
  expect(format.short(at, "en", zone, now + 30 * 3_600_000)).toBe("24 Nov 10:00");
});

test("numbers are full in tables, compact on axes, and small groups have no rate", () => {
  expect(format.count(48213, "ja")).toBe("48,213");
  expect(format.compact(48213, "en")).toBe("48.2K");
  expect(format.compact(48213, "ja")).toBe("4.8万");
  expect(format.rate(612, 8412, "en")).toBe("7.3 %");
  expect(format.rate(3, 19, "en")).toBeUndefined();
});

test("money keeps the currency's own digits", () => {
  expect(format.money({ amount: 1980, currency: "JPY" }, "en")).toBe("¥1,980");
  expect(format.money({ amount: 198000, currency: "THB" }, "en")).toContain("1,980.00");
});

test("time left is coarse", () => {
  expect(format.left(20)).toEqual({ unit: "less", n: 1 });
  expect(format.left(170)).toEqual({ unit: "minutes", n: 3 });
  expect(format.left(7000)).toEqual({ unit: "hours", n: 2 });
});

test("durations are coarse and in the language's own unit", () => {
  expect([40, 720, 5400, 200_000].map((n) => format.duration(n, "en"))).toEqual([
    "40 sec",
    "12 min",
    "2 hr",
    "2 days",
  ]);
  expect([40, 720, 5400].map((n) => format.duration(n, "ja"))).toEqual(["40秒", "12分", "2時間"]);
});

test("a week begins as its language's does", () => {
  expect(format.week("ja").map((d) => format.weekday(d, "ja"))).toEqual([..."日月火水木金土"]);
  expect(format.weekday(format.week("en")[0] ?? 0, "en")).toBe("Mon");
});
