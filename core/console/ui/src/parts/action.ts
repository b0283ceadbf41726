import { useRef, useState } from "react";
import { isLost, newKey } from "../api";

const tries = 5;
const pause = 1500;

export type Action<I, O> = {
  run: (input: I) => Promise<O | undefined>;
  busy: boolean;
  // lost: no answer came; it is being asked, under the same key, whether it happened.
  lost: boolean;
  error?: Error;
  doneAt?: Date;
  result?: O;
  clear: () => void;
};

// useAction does something once: further clicks while it runs are ignored, and when no answer
// comes it asks again under the same idempotency key, which cannot do it twice.
export function useAction<I = void, O = unknown>(
  work: (input: I, key: Record<"Idempotency-Key", string>) => Promise<O>,
): Action<I, O> {
  const [state, setState] = useState<Omit<Action<I, O>, "run" | "clear">>({ busy: false, lost: false });
  const running = useRef(false);
  const run = async (input: I) => {
    if (running.current) return undefined;
    running.current = true;
    setState((old) => ({ busy: true, lost: false, result: old.result }));
    try {
      const result = await persist(
        (key) => work(input, key),
        () => setState((old) => ({ ...old, lost: true })),
      );
      setState({ busy: false, lost: false, doneAt: new Date(), result });
      return result;
    } catch (error) {
      setState({ busy: false, lost: false, error: error as Error });
      return undefined;
    } finally {
      running.current = false;
    }
  };
  return { ...state, run, clear: () => setState({ busy: false, lost: false }) };
}

// persist repeats what got no answer, under one key.
export async function persist<O>(
  work: (key: Record<"Idempotency-Key", string>) => Promise<O>,
  lost: () => void,
  wait = pause,
): Promise<O> {
  const key = { "Idempotency-Key": newKey() };
  for (let n = 1; ; n++) {
    try {
      return await work(key);
    } catch (error) {
      if (!isLost(error) || n === tries) throw error;
      lost();
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
