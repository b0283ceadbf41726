import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Place, PlaceContext } from "../place";

const told = vi.fn();
let hear: (m: object) => void = () => {};

vi.mock("../api", () => ({
  newKey: () => "own-page",
  get: async () => ({}),
  api: {
    PUT: async (_: string, { body }: { body: { open: boolean; asks: boolean } }) => {
      told(body.open, body.asks);
    },
  },
}));
vi.mock("../live", () => ({
  useLiveEvent: (_: string[], fn: typeof hear) => {
    hear = fn;
  },
}));

const { sign, silence, useEditors } = await import("./useEditors");

beforeEach(() => {
  vi.useFakeTimers();
  told.mockClear();
});
afterEach(() => vi.useRealTimers());

function open() {
  const client = new QueryClient();
  client.setQueryData(["me"], { member: { id: "mem_me" } });
  const place = { path: { merchant: "m", channel: "c" } } as Place;
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>
      <PlaceContext value={place}>{children}</PlaceContext>
    </QueryClientProvider>
  );
  return renderHook(() => useEditors("msg_1"), { wrapper });
}

const news = (page: string, member: string, how: object = {}, id = "msg_1") =>
  act(() => hear({ kind: "editing", id, data: { page, member, name: "Sato", open: true, ...how } }));

test("another member is named from the first sign until they leave, and answered when they ask", () => {
  const { result, unmount } = open();
  expect(told.mock.calls).toEqual([[true, true]]);
  news("own-page", "mem_me", { asks: true }); // our own sign comes back
  news("theirs", "mem_2", { asks: true }, "msg_2"); // another message
  expect(result.current).toEqual({ members: [], again: false });
  expect(told).toHaveBeenCalledTimes(1);
  news("theirs", "mem_2", { asks: true });
  expect(told).toHaveBeenLastCalledWith(true, false);
  news("theirs", "mem_2");
  news("their-second-tab", "mem_2");
  expect(result.current.members).toEqual([{ id: "mem_2", name: "Sato" }]);
  expect(told).toHaveBeenCalledTimes(2);
  act(() => hear({ kind: "hello" })); // something may have passed unheard
  expect(told).toHaveBeenLastCalledWith(true, true);
  news("theirs", "mem_2", { open: false });
  expect(result.current.members).toHaveLength(1);
  news("their-second-tab", "mem_2", { open: false });
  expect(result.current.members).toEqual([]);
  unmount();
  expect(told).toHaveBeenLastCalledWith(false, false);
});

test("one's own other tab is no other person", () => {
  const { result } = open();
  news("other-tab", "mem_me");
  expect(result.current).toEqual({ members: [], again: true });
});

test("a page that falls silent counts as left", () => {
  const { result } = open();
  news("theirs", "mem_2");
  act(() => vi.advanceTimersByTime(silence - sign));
  expect(result.current.members).toHaveLength(1);
  act(() => vi.advanceTimersByTime(2 * sign));
  expect(result.current.members).toEqual([]);
});
