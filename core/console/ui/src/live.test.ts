import { expect, test } from "vitest";
import type { FeedItem } from "./api";
import { mergeFeed } from "./live";

const line = (id: string) => ({ id }) as FeedItem;
const lines = (from: number, n: number) => Array.from({ length: n }, (_, i) => line(`${from + i}`));

test("a line stands in the feed once, the newest on top", () => {
  const merged = mergeFeed({ feed: lines(1, 2) }, { feed: [line("3"), line("1")] }, 0);
  expect(merged.feed.map((f) => f.id)).toEqual(["3", "1", "2"]);
  expect(merged.sampled_at).toBeUndefined();
});

test("the feed takes five lines a second and says that it leaves some out", () => {
  const first = mergeFeed({ feed: [] }, { feed: lines(1, 4) }, 1000);
  const second = mergeFeed(first, { feed: lines(10, 4) }, 1500);
  expect(second.feed).toHaveLength(5);
  expect(second.sampled_at).toBe(1500);
  const later = mergeFeed(second, { feed: lines(20, 4) }, 2600);
  expect(later.feed).toHaveLength(9);
  expect(later.sampled_at).toBe(1500);
});

test("what the core left out is said, too", () => {
  expect(mergeFeed({ feed: [] }, { feed: lines(1, 1), more: 7 }, 9).sampled_at).toBe(9);
});
