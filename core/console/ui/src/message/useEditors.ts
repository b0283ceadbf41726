import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, get, type Me, newKey } from "../api";
import { useLiveEvent } from "../live";
import { usePlace } from "../place";

export const sign = 30_000; // ms between two signs of an open page; pages in the back give fewer
export const silence = 3 * sign;

type Other = { member: string; name: string; heard: number };
type News = { page: string; member: string; name: string; open: boolean; asks: boolean };

// useEditors tells the other pages that a message is open here, and hears on which others it is.
// Who comes asks and is answered, so that all know at once; so does who may have missed something.
export function useEditors(message: string) {
  const { path } = usePlace();
  const me = useQuery({ queryKey: ["me"], queryFn: () => get<Me>("/me") }).data?.member?.id;
  const page = useRef(newKey()).current;
  const [others, setOthers] = useState<Record<string, Other>>({});
  const tell = (open: boolean, asks = false) => {
    const at = "/merchants/{merchant}/channels/{channel}/messages/{message}/editors/{page}" as const;
    const told = api.PUT(at, {
      params: { path: { ...path, message, page } },
      body: { open, asks },
      keepalive: !open,
    });
    told.catch(() => {}); // the next sign follows
  };
  const latest = useRef(tell);
  latest.current = tell;
  useEffect(() => {
    latest.current(true, true);
    const timer = setInterval(() => {
      latest.current(true);
      const since = Date.now() - silence;
      setOthers((all) => Object.fromEntries(Object.entries(all).filter(([, o]) => o.heard > since)));
    }, sign);
    const leave = () => latest.current(false);
    window.addEventListener("pagehide", leave);
    return () => {
      clearInterval(timer);
      window.removeEventListener("pagehide", leave);
      leave();
    };
  }, []);
  useLiveEvent(["editing", "hello", "resync"], (m) => {
    if (m.kind !== "editing") return tell(true, true);
    const { page: from, open, asks, ...who } = m.data as News;
    if (m.id !== message || from === page) return;
    if (asks) tell(true);
    setOthers(({ [from]: _, ...rest }) => (open ? { ...rest, [from]: { ...who, heard: Date.now() } } : rest));
  });
  const all = Object.values(others);
  const members = new Map(all.filter((o) => o.member !== me).map((o) => [o.member, o.name]));
  return {
    members: [...members].map(([id, name]) => ({ id, name })),
    again: all.some((o) => o.member === me),
  };
}
