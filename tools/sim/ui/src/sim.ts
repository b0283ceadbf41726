import { useEffect, useState } from "react";

// The simulator's control API, as its pages use it.

export type Person = { id: string; name: string; friendships: Record<string, { state: string }> };
export type ChatMessage = { id: string; at: string; from: string; message: { type: string; text?: string }; account: { name: string } };
export type Form = { buttons?: { name?: string; value?: string; text?: string }[] };
export type Page = { url: string; status: number; title?: string; text?: string; forms?: Form[]; login?: { request: string; scopes?: string[] }; note?: string };
export type Email = { id: string; at: string; subject: string; links: string[] };
export type Profile = { id: string; email: string; first_name: string; last_name: string; properties: Record<string, unknown> };
export type Flow = { id: string; name: string; status: string; metric: string };
export type ProfileEvent = { id: string; metric: string; datetime: string };

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

// useSim reads something, and reads it again whenever the simulator says that it changed.
export function useSim<T>(path: string, empty: T): [T, () => void] {
  const [value, setValue] = useState(empty);
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: turn asks for another read
  useEffect(() => {
    let gone = false;
    sim<T>("GET", path).then((v) => !gone && setValue(v), () => {});
    return () => {
      gone = true;
    };
  }, [path, turn]);
  useEffect(() => {
    const changes = new EventSource("/sim/v1/events");
    let timer: ReturnType<typeof setTimeout> | undefined;
    changes.onmessage = () => {
      clearTimeout(timer);
      timer = setTimeout(() => setTurn((n) => n + 1), 50);
    };
    const slow = setInterval(() => setTurn((n) => n + 1), 2000);
    return () => {
      changes.close();
      clearTimeout(timer);
      clearInterval(slow);
    };
  }, []);
  return [value, () => setTurn((n) => n + 1)];
}
