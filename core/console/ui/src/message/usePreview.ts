import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type LineMessage, post, type Schema } from "../api";
import type { Shown } from "../phone/LinePhone";
import { usePlace } from "../place";
import type { Body } from "./model";

// usePreview asks the core how a draft looks for a person: what is shown is what is sent.
// name and version are those it would be published as: campaign parameters may hold them.
export function usePreview(draft: Body, friend: string, name: string, version: number) {
  const { at, channel } = usePlace();
  const [settled] = useDebouncedValue({ draft, name, version }, 250);
  return useQuery({
    queryKey: ["message", "preview", channel?.id, friend, settled],
    queryFn: () =>
      post<Schema<"PreviewView">>(`${at}/messages/preview`, { ...settled, friend: friend || undefined }),
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
}

// shown are messages for the phone, with the variables that have no value.
export function shown(messages: string | undefined, gaps: Schema<"GapView">[] = []): Shown[] {
  if (!messages) return [];
  return (JSON.parse(messages) as LineMessage[]).map((message, i) => ({
    message,
    gaps: gaps
      .filter((g) => g.block === i && g.at !== undefined)
      .map((g) => ({ at: g.at ?? 0, name: g.name })),
  }));
}

const own = /\/m\/([0-9a-f]{64})(?:\/\d+)?$/;

// ownSha names the file of ours that an address leads to.
export const ownSha = (address: string) => own.exec(address)?.[1];

// useImages has the preview load pictures through the core: no other host hears of it, and
// nothing counts.
export function useImages() {
  const { merchant } = usePlace();
  return (address: string) => {
    const sha = ownSha(address);
    if (sha) return `/api/v1/merchants/${merchant.id}/media/${sha}`;
    return /^https?:\/\//.test(address)
      ? `/api/v1/merchants/${merchant.id}/picture?url=${encodeURIComponent(address)}`
      : undefined;
  };
}
