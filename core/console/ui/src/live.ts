import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useRef, useState } from "react";
import type { Figures, Home } from "./api";

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
  sending: ["sending", "home"],
  qr_code: ["linking"],
  review: ["linking"],
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
    const take = (m: LiveMessage) => {
      heard = Date.now();
      setLive((now) => (now.connected ? now : { connected: true, since: new Date() }));
      if (m.seq) seq.current = m.seq;
      if (m.kind === "resync") client.invalidateQueries();
      else if (m.kind === "counter" && m.channel) count(m);
      else for (const key of readAgain(m.kind)) client.invalidateQueries({ queryKey: [key] });
      for (const hear of listeners) hear(m);
    };
    const count = (m: LiveMessage) => {
      client.setQueryData(["home", m.channel], (old: Home | undefined) =>
        old ? { ...old, ...(m.data as unknown as Partial<Figures>), feed: mergeFeed(old, m.data) } : old,
      );
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
      socket?.close();
    };
  }, [merchant, client]);
  return live;
}

type WithFeed = { feed?: Home["feed"] };

// mergeFeed puts new lines on top and keeps each once.
function mergeFeed(old: WithFeed, data: WithFeed | undefined) {
  const fresh = data?.feed ?? [];
  const known = new Set(fresh.map((item) => item.id));
  return [...fresh, ...(old.feed ?? []).filter((item) => !known.has(item.id))].slice(0, 30);
}
