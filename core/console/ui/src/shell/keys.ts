import { useEffect, useRef } from "react";

type Doings = { find: () => void; help: () => void };

// typing tells that keys belong to a field, or to an IME.
export function typing(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return (
    event.isComposing ||
    event.keyCode === 229 ||
    !!target?.closest?.("input,textarea,select,[contenteditable='true']")
  );
}

// useKeys hears the keys that work everywhere: Ctrl or Cmd+K finds, / goes to the list's
// search, ? helps.
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
      if (typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "?") latest.current.help();
      if (event.key !== "/") return;
      const search = document.querySelector<HTMLInputElement>("input[data-search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
    };
    document.addEventListener("keydown", hear);
    return () => document.removeEventListener("keydown", hear);
  }, []);
}
