import { useCallback, useEffect, useState } from "react";
import type { Action, LineMessage } from "@phone/message";

// The simulator's control API, as its pages use it.

export type List<T> = { items: T[] };
export type Person = { id: string; name: string; language: string; email?: string; offline: boolean; deleted: boolean; unread: number; friendships: Record<string, { state: string }> };
export type Channel = { messaging_channel_id: string; name: string; basic_id: string; verified: boolean; picture_url?: string };
export type Account = { name: string; basic_id: string; picture_url?: string };
export type ChatMessage = { id: string; at: string; from: string; channel: string; message: LineMessage; viewed_at?: string };
export type Form = { action: string; method: string; fields?: { name: string; type: string; value: string; checked?: boolean }[]; buttons?: { name: string; value: string; text: string }[] };
export type Login = { request: string; account: Account; scopes: string[]; add_friend_option: boolean; add_friend_default: boolean };
export type Page = { url: string; status: number; title?: string; text?: string; html?: string; forms?: Form[]; login?: Login; add_friend?: Account; channel?: string; prefill?: string; note?: string };
export type Email = { id: string; at: string; subject: string; html: string; links: string[]; images: string[] };
export type Profile = { id: string; email: string; first_name: string; last_name: string; properties: Record<string, unknown> };
export type FlowAction = { id: string; type: string; status: string; url?: string; headers?: Record<string, string>; body?: string };
export type Flow = { id: string; name: string; status: string; metric: string; list: string; segment: string; actions: FlowAction[] | null };
export type ProfileEvent = { id: string; metric: string; datetime: string };
export type Group = { id: string; name: string; members: string[] | null; property?: string; metric?: string; operator?: string; value?: string };
export type Activity = { id: string; at: string; flow_name: string; profile: string; attempt: number; status: string; reason?: string; status_code: number; next_at?: string; answer?: string; test?: boolean };
export type Fault = { api: string; kind: string; times: number; delay_ms: number };
export type { Action };

export const nameOf = (p: Profile) => `${p.first_name ?? ""} ${p.last_name ?? ""}`.trim() || p.email || p.id;

export async function sim<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`/sim/v1${path}`, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const value = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(value.detail ?? `The simulator answered ${answer.status}.`);
  return value as T;
}

// One stream of changes serves everything on the page.
const listeners = new Set<() => void>();
let stream: EventSource | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

function listen(heard: () => void): () => void {
  listeners.add(heard);
  if (!stream) {
    stream = new EventSource("/sim/v1/events");
    const tell = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        for (const one of listeners) one();
      }, 50);
    };
    stream.onmessage = tell;
    stream.onopen = tell;
  }
  return () => listeners.delete(heard);
}

// useSim reads something, and reads it again whenever the simulator says that it changed.
export function useSim<T>(path: string, empty: T): [T, () => void] {
  const [value, setValue] = useState(empty);
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: turn asks for another read
  useEffect(() => {
    let gone = false;
    sim<T>("GET", path).then((v) => !gone && setValue(v), () => {});
    return () => {
      gone = true;
    };
  }, [path, turn]);
  useEffect(() => listen(again), [again]);
  return [value, again];
}

// useAct runs something and keeps what went wrong.
export function useAct(): [string, (what: () => Promise<unknown>) => Promise<void>] {
  const [problem, setProblem] = useState("");
  const act = async (what: () => Promise<unknown>) => {
    setProblem("");
    try {
      await what();
    } catch (e) {
      setProblem((e as Error).message);
    }
  };
  return [problem, act];
}
