import { useEffect, useRef } from "react";

// useThrottle runs something at once, and then again at most once each pause: the last call of a
// burst is never lost.
export function useThrottle(work: () => void, pause: number): () => void {
  const latest = useRef(work);
  latest.current = work;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const again = useRef(false);
  useEffect(() => () => clearTimeout(timer.current), []);
  const run = useRef(() => {
    if (timer.current) {
      again.current = true;
      return;
    }
    latest.current();
    timer.current = setTimeout(() => {
      timer.current = undefined;
      if (!again.current) return;
      again.current = false;
      run.current();
    }, pause);
  });
  return run.current;
}
