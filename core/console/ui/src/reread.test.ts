import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { pace, rereader } from "./reread";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

// list is a list on the screen whose reading takes a while; it holds how often it was begun.
async function list(client: QueryClient, takes: number) {
  let begun = 0;
  const read = () => {
    const nth = ++begun;
    return new Promise<number>((done) => setTimeout(() => done(nth), takes));
  };
  const shown = new QueryObserver(client, { queryKey: ["flow", "list"], queryFn: read });
  shown.subscribe(() => {});
  await vi.advanceTimersByTimeAsync(takes);
  return { begun: () => begun, shown: () => shown.getCurrentResult().data };
}

test("a single change is read at once", async () => {
  const client = new QueryClient();
  const flows = await list(client, 10);
  const reread = rereader(client);
  reread.again(["flow"]);
  await vi.advanceTimersByTimeAsync(10);
  expect(flows.shown()).toBe(2);
  reread.stop();
});

test("a reading ends though changes keep coming, and the last change is read", async () => {
  const client = new QueryClient();
  const flows = await list(client, 400);
  const reread = rereader(client);
  let ended = false;
  void client.invalidateQueries({ queryKey: ["flow"] }).then(() => {
    ended = true;
  });
  for (let n = 0; n < 20; n++) {
    reread.again(["flow"]);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(ended).toBe(true);
  const before = flows.begun();
  reread.again(["flow"]);
  await vi.advanceTimersByTimeAsync(400 + pace + 400);
  expect(flows.begun()).toBeGreaterThan(before);
  expect(flows.shown()).toBe(flows.begun());
  reread.stop();
});
