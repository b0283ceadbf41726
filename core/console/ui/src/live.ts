import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useRef, useState } from "react";
import type { Figures, Home } from "./api";

type LiveMessage = {
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
      else if (m.kind === "flow_request" || m.kind === "delivery.state")
        client.invalidateQueries({ queryKey: ["flow"] });
      else if (m.kind === "friend" || m.kind === "link") client.invalidateQueries({ queryKey: ["friend"] });
      else if (m.kind === "qr_code" || m.kind === "review")
        client.invalidateQueries({ queryKey: ["linking"] });
      else if (m.kind === "run") client.invalidateQueries({ queryKey: ["run"] });
      else if (m.kind === "connection") {
        client.invalidateQueries({ queryKey: ["connection"] });
        client.invalidateQueries({ queryKey: ["home"] });
      }
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
