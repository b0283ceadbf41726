import { dayAt, dayIn, oneDay, utcDay } from "../parts/day";

// Ranges of days, both included.

export type Days = { from: string; to: string };

export const longest = 400; // days, as the API allows

// today is the day in a shop's zone.
export const today = (zone: string, now = Date.now()) => dayIn(zone, now);

const plus = (day: string, days: number) => utcDay(dayAt(day) + days * oneDay);

export const length = ({ from, to }: Days) => (dayAt(to) - dayAt(from)) / oneDay + 1;

// last are as many days as told that end with one.
export const last = (days: number, to: string): Days => ({ from: plus(to, 1 - days), to });

// before is the range of equal length that ends where another begins.
export const before = (days: Days): Days => last(length(days), plus(days.from, -1));

// wrong is why there are no figures of a range.
export function wrong(days: Days): "incomplete" | "order" | "long" | undefined {
  const n = length(days);
  if (Number.isNaN(n)) return "incomplete";
  if (n < 1) return "order";
  return n > longest ? "long" : undefined;
}
