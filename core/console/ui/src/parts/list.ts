import { keepPreviousData, type QueryKey, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { List } from "../api";

export const pageSizes = [25, 50, 100] as const;

export type Pages<T> = {
  of: string; // which page of which list
  rows: T[];
  total?: number; // undefined while it is being counted
  loading: boolean; // nothing to show yet
  stale: boolean; // the rows are those of before
  error?: Error;
  again: () => void;
  cancel: () => void;
  page: number; // 0 = first
  next?: () => void;
  previous?: () => void;
  readAt: number; // when the rows were read, 0 = never
  size: number;
  resize: (size: number) => void;
};

type Options<T> = {
  queryKey: QueryKey; // with all that the list depends on: filters, sort, search words
  fetch: (page: { cursor?: string; limit: number }, signal: AbortSignal) => Promise<List<T>>;
  enabled?: boolean;
  every?: number; // ms until it is read again by itself, where no live message tells
};

const none: never[] = [];

type Turn = { of: string; cursors: string[]; size: number };

// usePages reads a list page by page, by cursor. Another filter begins at the first page; while
// it loads the old rows stay.
export function usePages<T>({ queryKey, fetch, enabled, every }: Options<T>): Pages<T> {
  const of = JSON.stringify(queryKey);
  const [turned, setTurn] = useState<Turn>({ of, cursors: [], size: 50 });
  const turn = turned.of === of ? turned : { of, cursors: [], size: turned.size };
  const cursor = turn.cursors.at(-1);
  const found = useQuery({
    queryKey: [...queryKey, { cursor, limit: turn.size }],
    queryFn: ({ signal }) => fetch({ cursor, limit: turn.size }, signal),
    placeholderData: keepPreviousData,
    enabled,
    refetchInterval: every,
  });
  const following = found.data?.next;
  return {
    of: `${of} ${cursor ?? ""} ${turn.size}`,
    rows: found.data?.items ?? none,
    total: found.data?.total,
    loading: found.isPending,
    stale: found.isPlaceholderData,
    error: found.error ?? undefined,
    again: () => found.refetch(),
    cancel: () => setTurn({ ...turn, cursors: turn.cursors.slice(0, -1) }),
    readAt: found.dataUpdatedAt,
    page: turn.cursors.length,
    next:
      following && !found.isPlaceholderData
        ? () => setTurn({ ...turn, cursors: [...turn.cursors, following] })
        : undefined,
    previous:
      turn.cursors.length > 0 ? () => setTurn({ ...turn, cursors: turn.cursors.slice(0, -1) }) : undefined,
    size: turn.size,
    resize: (size) => setTurn({ of, cursors: [], size }),
  };
}
