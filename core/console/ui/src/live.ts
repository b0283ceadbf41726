import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useRef, useState } from "react";
import type { Figures, Home } from "./api";
import { pace, rereader } from "./reread";

export type LiveMessage = {
  seq: number;
  kind: string;
  id?: string;
  channel?: string;
  data?: Record<string, unknown>;
};

// Live says whether what is shown is current, and since when it may not be.
export type Live = { connected: boolean; since: Date };

export const LiveContext = createContext<Live>({ connected: true, since: new Date() });
export const useLiveState = () => useContext(LiveContext);

const silence = 5000;

// Which lists a message makes out of date, by the first word of their query keys. Kinds that
// stand for themselves need no line here: "run" has ["run", ..] read again.
const touches: Record<string, string[]> = {
  flow_request: ["flow"],
  "delivery.state": ["flow"],
  link: ["friend", "linking"],
  connection: ["connection", "home"],
  sending: ["sending", "home", "quota"],
  qr_code: ["linking"],
  review: ["linking"],
  editing: [], // useEditors hears it
};

const readAgain = (kind: string) => touches[kind] ?? [kind.split(".")[0] ?? kind];

const listeners = new Set<(m: LiveMessage) => void>();

// useLiveEvent hears the messages of some kinds, for what a query key cannot say.
export function useLiveEvent(kinds: readonly string[], hear: (m: LiveMessage) => void) {
  const latest = useRef(hear);
  latest.current = hear;
  const names = kinds.join(" ");
  useEffect(() => {
    const listen = (m: LiveMessage) => {
      if (names.split(" ").includes(m.kind)) latest.current(m);
    };
    listeners.add(listen);
    return () => {
      listeners.delete(listen);
    };
  }, [names]);
}

// useLive keeps one websocket for a merchant: it puts counters into the cache and has lists read
// again. After a gap it resumes, or reads everything again.
export function useLive(merchant: string | undefined): Live {
  const client = useQueryClient();
  const [live, setLive] = useState<Live>({ connected: true, since: new Date() });
  const seq = useRef(0);
  useEffect(() => {
    if (!merchant) return;
    let socket: WebSocket | undefined;
    let ended = false;
    let heard = Date.now();
    let wait = 500;
    const reread = rereader(client);
    const take = (m: LiveMessage) => {
      heard = Date.now();
      setLive((now) => (now.connected ? now : { connected: true, since: new Date() }));
      if (m.seq) seq.current = m.seq;
      if (m.kind === "resync") client.invalidateQueries();
      else if (m.kind === "counter" && m.channel) count(m);
      else reread.again(readAgain(m.kind));
      for (const hear of listeners) hear(m);
    };
    const counted = new Map<string, LiveMessage["data"]>();
    let counting: ReturnType<typeof setTimeout> | undefined;
    // Numbers change on the screen at most four times a second.
    const count = (m: LiveMessage) => {
      counted.set(m.channel ?? "", joinCounts(counted.get(m.channel ?? ""), m.data));
      counting ??= setTimeout(show, pace);
    };
    const show = () => {
      counting = undefined;
      for (const [of, data] of counted) {
        client.invalidateQueries({ queryKey: ["quota", of] }, { cancelRefetch: false });
        client.setQueryData(["home", of], (old: LiveHome | undefined) =>
          old
            ? { ...old, ...(data as Partial<Figures>), ...mergeFeed(old, data as WithFeed, Date.now()) }
            : old,
        );
      }
      counted.clear();
    };
    const open = () => {
      if (ended) return;
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      socket = new WebSocket(
        `${scheme}://${location.host}/api/v1/merchants/${merchant}/live?after=${seq.current}`,
      );
      socket.onmessage = (event) => {
        wait = 500;
        take(JSON.parse(event.data) as LiveMessage);
      };
      socket.onclose = () => {
        setTimeout(open, wait);
        wait = Math.min(wait * 2, 5000);
      };
    };
    const watch = setInterval(() => {
      if (Date.now() - heard > silence)
        setLive((now) => (now.connected ? { connected: false, since: new Date(heard) } : now));
    }, 500);
    open();
    return () => {
      ended = true;
      clearInterval(watch);
      clearTimeout(counting);
      reread.stop();
      socket?.close();
    };
  }, [merchant, client]);
  return live;
}

// LiveHome is Home with what the page itself knows of its feed: when lines came, and when one was
// last left out.
export type LiveHome = Home & { came?: number[]; sampled_at?: number };

type WithFeed = { feed?: Home["feed"]; more?: number };

const perSecond = 5; // lines of the feed
const feedLength = 20;

// joinCounts makes one message of two: the newer numbers, the lines of both.
function joinCounts(before: LiveMessage["data"], data: LiveMessage["data"]): LiveMessage["data"] {
  const one = before as WithFeed | undefined;
  const two = data as WithFeed | undefined;
  return {
    ...data,
    feed: [...(two?.feed ?? []), ...(one?.feed ?? [])],
    more: (one?.more ?? 0) + (two?.more ?? 0),
  };
}

// mergeFeed puts new lines on top, each once, and at most five a second: more cannot be read.
export function mergeFeed(
  old: Pick<LiveHome, "feed" | "came" | "sampled_at">,
  data: WithFeed | undefined,
  now: number,
): Pick<LiveHome, "feed" | "came" | "sampled_at"> {
  const known = new Set(old.feed.map((item) => item.id));
  const fresh = (data?.feed ?? []).filter((item) => !known.has(item.id));
  const came = (old.came ?? []).filter((at) => now - at < 1000);
  const shown = fresh.slice(0, Math.max(0, perSecond - came.length));
  const left = (data?.more ?? 0) > 0 || shown.length < fresh.length;
  return {
    feed: [...shown, ...old.feed].slice(0, feedLength),
    came: [...came, ...shown.map(() => now)],
    sampled_at: left ? now : old.sampled_at,
  };
}
