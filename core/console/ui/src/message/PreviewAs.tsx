import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Friend, read } from "../api";
import { usePlace } from "../place";

type Someone = Pick<Friend, "id" | "name">;

const pause = 300; // ms after the last key
const most = 50;

// PreviewAs chooses the person as whom a message is seen: any friend, found as in the list of
// friends. Half a kanji is no word: nothing is searched while an IME composes.
export function PreviewAs({ friend, choose }: { friend: string; choose: (id: string) => void }) {
  const { t } = useTranslation();
  const { channel, path } = usePlace();
  const [chosen, keep] = useState<Someone>();
  const [typed, type] = useState("");
  const [composed, compose] = useState("");
  const composing = useRef(false);
  const [text] = useDebouncedValue(composed.trim(), pause);
  const name = (f: Someone) => f.name || t("common.noName");
  const search = (words: string) => {
    type(words);
    if (!composing.current) compose(words);
  };
  // what stands in the field once somebody is chosen is their name, not a search for it
  const words = text === (chosen ? name(chosen) : t("message.nobody")) ? "" : text;
  const found = useQuery({
    queryKey: ["friend", "preview", channel?.id, words],
    queryFn: ({ signal }) =>
      read(
        api.POST("/merchants/{merchant}/channels/{channel}/friends/search", {
          params: { path },
          body: { text: words, limit: most },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
  const people: Someone[] = found.data?.items ?? [];
  const all = chosen && !people.some((f) => f.id === chosen.id) ? [chosen, ...people] : people;
  return (
    <Select
      label={t("message.previewAs")}
      data={[{ value: "", label: t("message.nobody") }, ...all.map((f) => ({ value: f.id, label: name(f) }))]}
      filter={({ options }) =>
        options.filter((o) => !words || people.some((f) => "value" in o && f.id === o.value))
      } // the core searches, by email, phone and LINE ID, too
      value={friend}
      onChange={(id) => {
        keep(all.find((f) => f.id === id));
        choose(id ?? "");
      }}
      searchable
      searchValue={typed}
      onSearchChange={search}
      onCompositionStart={() => {
        composing.current = true;
      }}
      onCompositionEnd={(e) => {
        composing.current = false;
        compose(e.currentTarget.value);
      }}
      nothingFoundMessage={t("common.noMatch")}
      error={found.error && t("message.peopleFailed")}
      allowDeselect={false}
    />
  );
}
