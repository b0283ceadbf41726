import { useQuery } from "@tanstack/react-query";
import { api, read } from "../api";
import { usePlace } from "../place";

// useConsent reads who agrees to LINE messages, and whether LINE hands the list of followers over.
export function useConsent() {
  const { path } = usePlace();
  return useQuery({
    queryKey: ["friend", "consent", path.channel],
    queryFn: () => read(api.GET("/merchants/{merchant}/channels/{channel}/consent", { params: { path } })),
  });
}
