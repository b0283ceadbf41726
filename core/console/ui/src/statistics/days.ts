// Ranges of days, both included, written as the API and the address write them: 2026-11-24.

export type Days = { from: string; to: string };

export const longest = 400; // days, as the API allows

// today is the day in a shop's zone.
export const today = (zone: string, now = Date.now()) =>
  new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(now);

const written = (ms: number) => new Date(ms).toISOString().slice(0, 10);

// at is no number where there is no such day, as 30 February: browsers would take 2 March.
function at(day: string): number {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(ms) || written(ms) !== day ? Number.NaN : ms;
}

const plus = (day: string, days: number) => written(at(day) + days * 86_400_000);

export const length = ({ from, to }: Days) => (at(to) - at(from)) / 86_400_000 + 1;

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
