import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import type { Pages } from "./list";

type Waiting<T> = { rows: T[]; n: number };

// hold keeps the rows that somebody reads where they are while the list is read again: each in its
// newest state, new ones waiting. More tells that rows follow the page: those behind the last one
// known to both readings were pushed off it and stay; others that are missing are gone. What comes
// up behind all others moves nothing.
export function hold<T>(shown: T[], read: T[], id: (row: T) => string, more: boolean): Waiting<T> {
  if (shown.length === 0) return { rows: read, n: 0 };
  const now = new Map(read.map((row) => [id(row), row]));
  const known = new Set(shown.map(id));
  const isKnown = (row: T) => known.has(id(row));
  const lastRead = read.findLastIndex(isKnown);
  const risen = lastRead < 0 ? [] : read.slice(lastRead + 1);
  const n = read.filter((row) => !isKnown(row)).length - risen.length;
  const lastShown = shown.findLastIndex((row) => now.has(id(row)));
  const pushedOff = (i: number) => more && n > 0 && i > lastShown;
  const stay = shown.flatMap((row, i) => now.get(id(row)) ?? (pushedOff(i) ? [row] : []));
  return { rows: [...stay, ...risen], n };
}

// useFresh lets new rows in at once where nobody reads: the list's top is in sight, and neither
// pointer, focus nor ticks are in it. Else they wait for show (UX 4.10).
export function useFresh<T>(
  pages: Pages<T>,
  id: (row: T) => string,
  box: RefObject<HTMLElement | null>,
  { live, ticked }: { live: boolean; ticked: boolean },
): Waiting<T> & { show: () => void } {
  const { of, rows: read, stale } = pages;
  const [kept, keep] = useState({ of, rows: read, read });
  const waited = useRef(false);
  const here = kept.of === of;
  const held =
    live && here && !stale ? hold(kept.rows, read, id, pages.next !== undefined) : { rows: read, n: 0 };
  const changed = !here || kept.read !== read;
  useLayoutEffect(() => {
    if (!live || stale || !changed) return;
    const wait = held.n > 0 && (waited.current || ticked || isRead(box.current));
    waited.current = wait;
    keep({ of, rows: wait ? held.rows : read, read });
  });
  return {
    ...held,
    show: () => {
      waited.current = false;
      keep({ of, rows: read, read });
    },
  };
}

// isRead tells that a list is under somebody's eyes or hands: scrolled into, pointed at, or walked
// through by keys.
function isRead(box: HTMLElement | null): boolean {
  if (!box) return false;
  const header = document.querySelector("header")?.getBoundingClientRect().bottom ?? 0;
  return (
    box.getBoundingClientRect().top < header ||
    box.matches(":hover") ||
    (box !== document.activeElement && box.contains(document.activeElement))
  );
}
