import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ifMatch, read, readVersion, type Schema } from "../api";
import { useAction } from "../parts";
import { usePlace } from "../place";

export type SendingRules = Schema<"SendingRulesView">;

const one = "/merchants/{merchant}/channels/{channel}/sending/rules" as const;

// useRules reads the rules for the account's sending, with the mark of their version.
export function useRules() {
  const { path, channel } = usePlace();
  return useQuery({
    queryKey: ["sending", "rules", channel?.id],
    queryFn: () => readVersion(api.GET(one, { params: { path } })),
  });
}

// useSaveRules changes some of the rules; what somebody else changed meanwhile is no victim.
export function useSaveRules() {
  const { path } = usePlace();
  const client = useQueryClient();
  return useAction(async (change: Partial<SendingRules>) => {
    const { value, etag } = await readVersion(api.GET(one, { params: { path } }));
    const body = { ...value, ...change };
    const saved = await read(api.PUT(one, { params: { path }, body, headers: ifMatch(etag) }));
    await client.invalidateQueries({ queryKey: ["sending"] });
    await client.invalidateQueries({ queryKey: ["quota"] });
    return saved;
  });
}
