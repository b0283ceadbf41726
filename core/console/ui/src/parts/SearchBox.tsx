import { CloseButton, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { type CompositionEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

const pause = 300; // ms

type Props = { label: string; onSearch: (words: string) => void; delay?: number };

// SearchBox searches 300 ms after the last key, and never while an IME composes: half a kanji
// is no word. "/" on the page puts the focus here.
export function SearchBox({ label, onSearch, delay = pause }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const composing = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const later = (words: string) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onSearch(words.trim()), delay);
  };
  const change = (words: string) => {
    setText(words);
    if (!composing.current) later(words);
  };
  const composed = (event: CompositionEvent<HTMLInputElement>) => {
    composing.current = false;
    later(event.currentTarget.value);
  };
  return (
    <TextInput
      type="search"
      data-search
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={(e) => change(e.currentTarget.value)}
      onCompositionStart={() => {
        composing.current = true;
        clearTimeout(timer.current);
      }}
      onCompositionEnd={composed}
      leftSection={<IconSearch size={16} stroke={1.5} aria-hidden="true" />}
      rightSection={
        text && <CloseButton size="sm" aria-label={t("common.clearSearch")} onClick={() => change("")} />
      }
      miw={220}
      maw={360}
      flex={1}
    />
  );
}

type KeyEvent = { nativeEvent: { isComposing?: boolean; keyCode?: number } };

// composing tells that a key belongs to the IME; 229 is what Safari says instead.
export const composing = (event: KeyEvent) =>
  event.nativeEvent.isComposing === true || event.nativeEvent.keyCode === 229;
