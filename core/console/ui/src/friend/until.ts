// endOf is the moment at which a day ends in a shop's zone.
export function endOf(day: string, zone: string): string {
  const utc = Date.parse(`${day}T00:00:00Z`) + 86_400_000;
  const there = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  }).format(utc);
  return new Date(2 * utc - Date.parse(`${there.replace(" ", "T")}Z`)).toISOString();
}

// dayOf is the day that ends at a moment, or during which it lies, in a shop's zone.
export const dayOf = (moment: string, zone: string) =>
  new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" }).format(Date.parse(moment) - 1);

// isDay tells days that there are from what else may stand in an address.
export const isDay = (text: string) =>
  /^\d{4}-\d\d-\d\d$/.test(text) &&
  !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) &&
  new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
