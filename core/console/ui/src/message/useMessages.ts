import { useQuery } from "@tanstack/react-query";
import { get, type List, type Schema } from "../api";
import { usePlace } from "../place";

type Row = Schema<"MessageRowView">;

// useMessages reads all saved messages of the account, to choose from, however many there are.
export function useMessages(enabled = true) {
  const { at, channel } = usePlace();
  return useQuery({
    queryKey: ["message", "list", channel?.id, "all"],
    queryFn: async () => {
      const all: Row[] = [];
      for (let cursor = ""; ; ) {
        const page = await get<List<Row>>(`${at}/messages?limit=100${cursor && `&cursor=${cursor}`}`);
        all.push(...page.items);
        if (!page.next) return all;
        cursor = page.next;
      }
    },
    enabled,
  });
}
