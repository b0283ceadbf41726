import { useEffect, useRef } from "react";
import { typing } from "../parts";

const together = 1000; // ms: changes that go on with one another and are closer than that are one step
const most = 100;

// useSteps takes changes back by Ctrl or Cmd+Z, and makes them again with Shift. In a text field
// these keys are the field's own. goesOn tells that a change goes on with the one before, as the
// next letter of a word does; a block that is added or moved is a step of its own.
export function useSteps<T>(value: T, set: (v: T) => void, goesOn: (before: T, after: T) => boolean) {
  const steps = useRef({ past: [] as T[], future: [] as T[], at: value, since: 0, own: false });
  const latest = useRef({ set, goesOn });
  latest.current = { set, goesOn };
  useEffect(() => {
    const s = steps.current;
    if (value === s.at) return;
    if (!s.own) {
      const now = Date.now();
      if (now - s.since > together || !latest.current.goesOn(s.at, value))
        s.past = [...s.past, s.at].slice(-most);
      s.since = now;
      s.future = [];
    }
    s.own = false;
    s.at = value;
  }, [value]);
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || typing(event)) return;
      const s = steps.current;
      const [from, to] = event.shiftKey ? [s.future, s.past] : [s.past, s.future];
      const next = from.pop();
      if (next === undefined) return;
      event.preventDefault();
      to.push(s.at);
      s.own = true;
      s.since = 0;
      latest.current.set(next);
    };
    document.addEventListener("keydown", hear);
    return () => document.removeEventListener("keydown", hear);
  }, []);
}
