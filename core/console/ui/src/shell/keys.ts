import { useEffect, useRef } from "react";
import { letterOf } from "../parts";

type Doings = { find: () => void; help: () => void };

// useKeys hears the keys that work everywhere: Ctrl or Cmd+K finds, / goes to the list's
// search, ? helps; the last two can be turned off.
export function useKeys(doings: Doings) {
  const latest = useRef(doings);
  latest.current = doings;
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !event.isComposing) {
        event.preventDefault();
        latest.current.find();
        return;
      }
      const letter = letterOf(event);
      if (letter === "?") latest.current.help();
      if (letter !== "/") return;
      const search = document.querySelector<HTMLInputElement>("input[data-search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
    };
    document.addEventListener("keydown", hear);
    return () => document.removeEventListener("keydown", hear);
  }, []);
}
