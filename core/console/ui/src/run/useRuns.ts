import { useQuery } from "@tanstack/react-query";
import { api, read, type Schema } from "../api";
import { usePlace } from "../place";

export type Run = Schema<"RunView">;

// isOpen tells that something may still happen.
export const isOpen = (r: Run) => ["waiting", "running", "paused"].includes(r.state);

// useRuns are the account's newest long works of a kind.
export function useRuns(kind: string) {
  const { path } = usePlace();
  return useQuery({
    queryKey: ["run", path.channel, kind],
    queryFn: () =>
      read(api.GET("/merchants/{merchant}/channels/{channel}/runs", { params: { path, query: { kind } } })),
  });
}

// useRecentRuns are the shop's long works that go on or just ended, whoever started them.
export function useRecentRuns() {
  const { merchant } = usePlace();
  return useQuery({
    queryKey: ["run", "recent", merchant.id],
    queryFn: async () => {
      const params = { path: { merchant: merchant.id } };
      return (await read(api.GET("/merchants/{merchant}/runs", { params }))).items;
    },
  });
}
