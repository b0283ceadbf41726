import type { QueryClient } from "@tanstack/react-query";

export const pace = 250; // ms: what is on the screen changes at most four times a second

export type Rereader = { again: (keys: string[]) => void; stop: () => void };

// rereader reads the lists again that changes made out of date, by the first word of their query
// keys: at once, then paced, and never while a reading is on its way. In steady traffic a reading
// that each change starts anew would never end, and an action that waits for it neither.
export function rereader(client: QueryClient): Rereader {
  const stale = new Set<string>();
  let next: ReturnType<typeof setTimeout> | undefined;
  const turn = () => {
    next = stale.size > 0 ? setTimeout(turn, pace) : undefined;
    for (const key of stale) {
      if (client.isFetching({ queryKey: [key] }) > 0) continue; // it may not know of the change yet
      stale.delete(key);
      client.invalidateQueries({ queryKey: [key] });
    }
  };
  return {
    again: (keys) => {
      for (const key of keys) stale.add(key);
      if (next === undefined) turn();
    },
    stop: () => clearTimeout(next),
  };
}
