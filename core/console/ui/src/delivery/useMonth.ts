import { useQuery } from "@tanstack/react-query";
import { api, read, type Schema } from "../api";
import { usePlace } from "../place";

export type Month = Schema<"SendingMonthView">;

// useMonth is the month's messages of the account on the screen.
export function useMonth() {
  const { path, channel } = usePlace();
  return useQuery({
    queryKey: ["quota", channel?.id],
    queryFn: () => read(api.GET("/merchants/{merchant}/channels/{channel}/quota", { params: { path } })),
    enabled: !!channel,
  });
}

const low = 0.2; // of the limit

// levelOf says how little is left: nothing that may be used, only what is kept for flows, a fifth.
export function levelOf(m: Month): "fine" | "low" | "reserve" | "none" {
  if (m.unlimited || m.limit === 0) return "fine";
  if (m.used_up) return "none";
  if (m.reserve > 0 && m.left_for_broadcasts === 0) return "reserve";
  return m.left < low * m.limit ? "low" : "fine";
}

// counted is how much of the limit is used. Our count may for a while say more than there is:
// what is over the limit is told apart.
export function counted(m: Month): { used: number; over: number } {
  return { used: Math.min(m.used, m.limit), over: Math.max(m.used - m.limit, 0) };
}
