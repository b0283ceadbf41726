import { readLocalStorageValue, useLocalStorage } from "@mantine/hooks";

const kept = { key: "lumo.letters", defaultValue: true };

// useLetters is whether single keys without Ctrl or Cmd do something, in this browser. Who dictates
// or hits keys by accident turns them off (WCAG 2.1.4).
export const useLetters = () => useLocalStorage<boolean>(kept);

// typing tells that keys belong to a field, or to an IME.
export function typing(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return (
    event.isComposing ||
    event.keyCode === 229 ||
    !!target?.closest?.("input,textarea,select,[contenteditable]")
  );
}

// letterOf is the single key that is meant for the page; none while somebody types, or turned
// them off.
export function letterOf(event: KeyboardEvent): string | undefined {
  if (typing(event) || event.ctrlKey || event.metaKey || event.altKey) return undefined;
  return readLocalStorageValue<boolean>(kept) ? event.key : undefined;
}
