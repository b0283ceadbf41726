// Numbers and times as people read them (UX 6.1, 6.2). Pure: language and zone are given.

const fewest = 20; // people; below there is no rate

export const count = (n: number, language: string) => new Intl.NumberFormat(language).format(n);

// compact is for axes alone: 48K, 4.8万.
export const compact = (n: number, language: string) =>
  new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 }).format(n);

// percent has one decimal: 7.3 %.
export const percent = (share: number, language: string) =>
  `${new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(share * 100)}${language === "ja" ? "%" : " %"}`;

// rate is undefined where there are too few people for one.
export function rate(part: number, whole: number, language: string): string | undefined {
  return whole < fewest ? undefined : percent(part / whole, language);
}

export type Money = { amount: number; currency: string };

// money writes minor units with the currency's own digits; never converted.
export function money({ amount, currency }: Money, language: string): string {
  const options = { style: "currency", currency, currencyDisplay: "symbol" } as const;
  const digits = new Intl.NumberFormat(language, options).resolvedOptions().maximumFractionDigits ?? 2;
  return new Intl.NumberFormat(language, options).format(amount / 10 ** digits);
}

export const perSecond = (n: number, language: string) => `${count(Math.round(n), language)}/s`;

export function bytes(n: number, language: string): string {
  const [value, unit] = n >= 1e6 ? [n / 1e6, "MB"] : [n / 1e3, "KB"];
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value)} ${unit}`;
}

type Parts = Record<string, string>;

// parts reads a moment in a zone, in the Gregorian calendar: Thai would say 2569.
function parts(at: Date, language: string, zone: string, options: Intl.DateTimeFormatOptions): Parts {
  const format = new Intl.DateTimeFormat(`${language}-u-ca-gregory-nu-latn`, {
    timeZone: zone,
    hourCycle: "h23",
    ...options,
  });
  return Object.fromEntries(format.formatToParts(at).map((p) => [p.type, p.value]));
}

const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;

// time of day, 24 hours: 14:02, or 14:02:10.
export function time(at: Date, language: string, zone: string, seconds = false): string {
  const p = parts(at, language, zone, clock);
  return seconds ? `${p.hour}:${p.minute}:${p.second}` : `${p.hour}:${p.minute}`;
}

// date with weekday and year: Tue 24 Nov 2026, 2026年11月24日(火).
export function date(at: Date, language: string, zone: string): string {
  const cjk = language === "ja" || language.startsWith("zh");
  const p = parts(at, language, zone, {
    weekday: "short",
    day: "numeric",
    month: cjk ? "numeric" : "short",
    year: "numeric",
  });
  const month = p.month?.replace(/月$/, "");
  if (cjk) return `${p.year}年${month}月${p.day}日(${p.weekday})`;
  if (language === "th") return `${p.day} ${p.month} ${p.year}`;
  return `${p.weekday} ${p.day} ${p.month} ${p.year}`;
}

// moment is date and time: Tue 24 Nov 2026, 10:00.
export function moment(at: Date, language: string, zone: string, seconds = false): string {
  return `${date(at, language, zone)}${language === "en" ? "," : ""} ${time(at, language, zone, seconds)}`;
}

// day is a date without weekday; the year only when it is another than now's.
export function day(at: Date, language: string, zone: string, now = new Date()): string {
  const sameYear =
    parts(at, "en", zone, { year: "numeric" }).year === parts(now, "en", zone, { year: "numeric" }).year;
  return new Intl.DateTimeFormat(`${language === "en" ? "en-GB" : language}-u-ca-gregory-nu-latn`, {
    timeZone: zone,
    day: "numeric",
    month: "short",
    year: sameYear ? undefined : "numeric",
  }).format(at);
}

// weekday names a day of the week, 1 = Monday.
export const weekday = (day: number, language: string) =>
  new Intl.DateTimeFormat(language, { weekday: "short", timeZone: "UTC" }).format(Date.UTC(2026, 0, 4 + day));

type Week = { firstDay: number };

// week are the days of a week, in the order of a language.
export function week(language: string): number[] {
  const locale = new Intl.Locale(language === "en" ? "en-GB" : language) as Intl.Locale & {
    getWeekInfo?: () => Week;
    weekInfo?: Week;
  };
  const first = (locale.getWeekInfo?.() ?? locale.weekInfo)?.firstDay ?? 1;
  return Array.from({ length: 7 }, (_, i) => ((first - 1 + i) % 7) + 1);
}

const minute = 60_000;

// ago is set only under an hour: 3 min ago, 3分前.
export function ago(at: Date, language: string, now: number): string | undefined {
  const passed = now - at.getTime();
  if (passed < -minute || passed >= 60 * minute) return undefined;
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  return passed < minute
    ? relative.format(0, "second")
    : relative.format(-Math.floor(passed / minute), "minute");
}

// short is for tables: relative, else the time of today, else day and time.
export function short(at: Date, language: string, zone: string, now: number): string {
  const today = date(at, "en", zone) === date(new Date(now), "en", zone);
  return (
    ago(at, language, now) ??
    (today
      ? time(at, language, zone)
      : `${day(at, language, zone, new Date(now))} ${time(at, language, zone)}`)
  );
}

export type Left = { unit: "less" | "minutes" | "hours"; n: number };

// decimal has one digit behind the point where the number is small: 0.4, 12.5, 1,240.
export const decimal = (n: number, language: string) =>
  new Intl.NumberFormat(language, { maximumFractionDigits: n < 100 ? 1 : 0 }).format(n);

// duration is how long something lasted, coarse: 40 sec, 12 min, 3 hr; 40秒, 12分, 3時間.
export function duration(seconds: number, language: string): string {
  const [n, unit] =
    seconds < 60
      ? [seconds, "second"]
      : seconds < 5400
        ? [seconds / 60, "minute"]
        : seconds < 172_800
          ? [seconds / 3600, "hour"]
          : [seconds / 86_400, "day"];
  const options = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 } as const;
  const text = new Intl.NumberFormat(language, options).format(n);
  return language === "ja" ? text.replace(/\s/g, "") : text;
}

// left is coarse time left: under a minute, about so many minutes, about so many hours.
export function left(seconds: number): Left {
  if (seconds < 60) return { unit: "less", n: 1 };
  if (seconds < 90 * 60) return { unit: "minutes", n: Math.round(seconds / 60) };
  return { unit: "hours", n: Math.round(seconds / 3600) };
}
