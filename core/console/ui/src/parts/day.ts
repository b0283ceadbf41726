// A day is written as the API and the address write it: 2026-11-24.

export const oneDay = 86_400_000; // ms

// utcDay is the day of a moment in UTC.
export const utcDay = (ms: number) => new Date(ms).toISOString().slice(0, 10);

// dayAt is when a day begins in UTC; no number where there is no such day, as 30 February:
// browsers would take 2 March.
export function dayAt(day: string): number {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(ms) || utcDay(ms) !== day ? Number.NaN : ms;
}

// isDay tells days that there are from what else may stand in an address.
export const isDay = (text: string) => !Number.isNaN(dayAt(text));

// endOf is the moment at which a day ends in a shop's zone.
export function endOf(day: string, zone: string): string {
  const utc = dayAt(day) + oneDay;
  const there = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  }).format(utc);
  return new Date(2 * utc - Date.parse(`${there.replace(" ", "T")}Z`)).toISOString();
}

// dayIn is the day of a moment in a shop's zone.
export const dayIn = (zone: string, ms: number) =>
  new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" }).format(ms);

// dayOf is the day that ends at a moment, or during which it lies, in a shop's zone.
export const dayOf = (moment: string, zone: string) => dayIn(zone, Date.parse(moment) - 1);
