import { useQuery } from "@tanstack/react-query";
import { api, read, type Schema } from "../api";
import { usePlace } from "../place";

export type Run = Schema<"RunView">;

// open tells that something may still happen.
export const open = (r: Run) => ["waiting", "running", "paused"].includes(r.state);

// useRuns are the account's newest long works of a kind.
export function useRuns(kind: string) {
  const { path } = usePlace();
  return useQuery({
    queryKey: ["run", path.channel, kind],
    queryFn: () =>
      read(api.GET("/merchants/{merchant}/channels/{channel}/runs", { params: { path, query: { kind } } })),
  });
}
