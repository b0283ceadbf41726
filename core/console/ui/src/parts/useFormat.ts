import { useContext } from "react";
import { useTranslation } from "react-i18next";
import { PlaceContext } from "../place";
import * as format from "./format";

export const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

// useFormat writes numbers and times in the member's language and the shop's time zone.
export function useFormat() {
  const { i18n } = useTranslation();
  const language = i18n.language;
  const zone = useContext(PlaceContext)?.merchant.time_zone ?? browserZone;
  return {
    language,
    zone,
    count: (n: number) => format.count(n, language),
    compact: (n: number) => format.compact(n, language),
    rate: (part: number, whole: number) => format.rate(part, whole, language),
    money: (m: format.Money) => format.money(m, language),
    perSecond: (n: number) => format.perSecond(n, language),
    decimal: (n: number) => format.decimal(n, language),
    duration: (seconds: number) => format.duration(seconds, language),
    bytes: (n: number) => format.bytes(n, language),
    time: (at: Date | string, seconds = false) => format.time(new Date(at), language, zone, seconds),
    weekday: (day: number) => format.weekday(day, language),
    week: () => format.week(language),
    day: (at: Date | string) => format.day(new Date(at), language, zone),
    date: (at: Date | string) => format.date(new Date(at), language, zone),
    moment: (at: Date | string, seconds = false) => format.moment(new Date(at), language, zone, seconds),
    short: (at: Date | string, now = Date.now()) => format.short(new Date(at), language, zone, now),
  };
}

// number is a count in a language.
export const number = format.count;
