import { useQuery } from "@tanstack/react-query";
import { api, read } from "../api";
import { usePlace } from "../place";

const life = 10 * 60_000; // ms that a name is remembered, in memory alone

// useCustomerNames reads what linked customers are called in Klaviyo. A list does not wait for it,
// and where Klaviyo does not answer nobody has a name.
export function useCustomerNames(of: { profile_id?: string }[]): Map<string, string> {
  const { path } = usePlace();
  const profiles = [...new Set(of.flatMap((f) => f.profile_id ?? []))];
  const found = useQuery({
    queryKey: ["customer", "names", path.channel, profiles],
    queryFn: ({ signal }) =>
      read(
        api.POST("/merchants/{merchant}/channels/{channel}/customers/names", {
          params: { path },
          body: { profiles },
          signal,
        }),
      ),
    enabled: profiles.length > 0,
    staleTime: life,
    retry: false,
  });
  return new Map(found.data?.items.map((c) => [c.profile_id, c.name]));
}
