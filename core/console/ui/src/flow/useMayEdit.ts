import { useQuery } from "@tanstack/react-query";
import { api, read } from "../api";
import { usePlace } from "../place";

// useFlowSettings is what a webhook in Klaviyo needs, and whether Lumo may change flows there.
export function useFlowSettings() {
  const { channel, path } = usePlace();
  return useQuery({
    queryKey: ["flow", "settings", channel?.id],
    queryFn: () =>
      read(api.GET("/merchants/{merchant}/channels/{channel}/flow_settings", { params: { path } })),
  });
}

// useMayEdit tells whether Klaviyo lets Lumo change flows: only then is it offered.
export const useMayEdit = () => useFlowSettings().data?.may_edit ?? false;
