import { useQuery } from "@tanstack/react-query";
import { ApiError, api, read, type Schema } from "../api";
import { useAction } from "../parts";
import { usePlace } from "../place";
import type { Part } from "./cut";
import { ownSha } from "./usePreview";

export type Picture = Schema<"ImageView">;

const one = "/merchants/{merchant}/channels/{channel}" as const;

// useUpload sends a picture; the core makes LINE's sizes of it.
export function useUpload(done: (image: Picture) => unknown) {
  const { path } = usePlace();
  return useAction(async (file: Blob, key) => {
    const image = await read(
      api.POST(`${one}/images`, {
        params: { path },
        body: file as never, // the bytes themselves, not JSON
        bodySerializer: (bytes: unknown) => bytes as BodyInit,
        headers: { "Content-Type": "application/octet-stream", ...key },
      }),
    );
    await done(image);
  });
}

// useCut has the core make a picture of a part of one.
export function useCut(done: (image: Picture) => unknown) {
  const { path } = usePlace();
  return useAction(async ({ of, part }: { of: Picture; part: Part }, headers) => {
    const made = await read(
      api.POST(`${one}/images/{sha256}/cuts`, {
        params: { path: { ...path, sha256: ownSha(of.url) ?? "" } },
        body: part,
        headers,
      }),
    );
    await done(made);
  });
}

// usePicture is a picture of ours by its address, with the whole one that it may be a part of;
// undefined while it is read, and for pictures of others.
export function usePicture(address: string) {
  const shown = useImage(ownSha(address));
  const whole = useImage(shown.data?.cut?.of);
  return {
    whole: shown.data?.cut ? whole.data : shown.data,
    cut: shown.data?.cut,
    error: shown.error ?? whole.error,
    again: () => (shown.error ? shown.refetch() : whole.refetch()),
  };
}

function useImage(sha256: string | undefined) {
  const { path, channel } = usePlace();
  return useQuery({
    queryKey: ["message", "image", channel?.id, sha256],
    queryFn: async () => {
      try {
        return await read(
          api.GET(`${one}/images/{sha256}`, { params: { path: { ...path, sha256: sha256 ?? "" } } }),
        );
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null; // another account's
        throw error;
      }
    },
    enabled: !!sha256,
    staleTime: Number.POSITIVE_INFINITY, // what a hash names never changes
  });
}
