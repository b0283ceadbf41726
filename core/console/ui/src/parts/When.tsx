import { Tooltip } from "@mantine/core";
import { useSyncExternalStore } from "react";
import * as format from "./format";
import { useFormat } from "./useFormat";

const tick = 20_000;
const watchers = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

// One clock turns all relative times on the page.
function watch(told: () => void): () => void {
  watchers.add(told);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of watchers) each();
  }, tick);
  return () => {
    watchers.delete(told);
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

// useNow is the time now, to 20 seconds.
export const useNow = () => {
  if (watchers.size === 0) now = Date.now();
  return useSyncExternalStore(watch, () => now);
};

// When shows a moment in the shop's zone: relative under an hour, full on focus or hover.
// timeZone is for pages outside of a shop.
export function When({ at, timeZone, full }: { at?: string | null; timeZone?: string; full?: boolean }) {
  const own = useFormat();
  const current = useNow();
  if (!at) return <span>-</span>;
  const zone = timeZone ?? own.zone;
  const date = new Date(at);
  const exact = format.moment(date, own.language, zone, true);
  if (full) return <time dateTime={at}>{format.moment(date, own.language, zone)}</time>;
  const relative = format.ago(date, own.language, Math.max(current, date.getTime()));
  return (
    <Tooltip label={exact}>
      {/* Only a relative time hides something, so only that takes the focus. */}
      <time
        dateTime={at}
        tabIndex={relative ? 0 : undefined}
        style={relative ? { whiteSpace: "nowrap" } : undefined}
      >
        {format.short(date, own.language, zone, Math.max(current, date.getTime()))}
      </time>
    </Tooltip>
  );
}
