import { MultiSelect } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read } from "../api";
import type { Shop } from "./data";

const pause = 300; // ms
const most = 50; // that are shown at once; more are found by typing

type Props = { of: Shop[]; set: (shops: Shop[]) => void; error?: string };

// Scope chooses the merchants that an edge may serve, by name.
export function Scope({ of, set, error }: Props) {
  const { t } = useTranslation();
  const [words, setWords] = useState("");
  const [asked] = useDebouncedValue(words.trim(), pause);
  const found = useQuery({
    queryKey: ["ops merchants", asked, most],
    queryFn: ({ signal }) =>
      read(api.GET("/ops/merchants", { params: { query: { search: asked, limit: most } }, signal })),
    placeholderData: keepPreviousData,
  });
  const known = new Map([...of, ...(found.data?.items ?? [])].map((s) => [s.id, s]));
  const called = (s: Shop) => (s.name === s.slug ? s.name : `${s.name} (${s.slug})`);
  return (
    <MultiSelect
      label={t("ops.enrol.scope")}
      description={t("ops.enrol.scopeHint")}
      data={[...known.values()].map((s) => ({
        value: s.id,
        label: s.line_accounts > 0 ? called(s) : t("ops.enrol.noLine", { name: called(s) }),
        disabled: s.line_accounts === 0,
      }))}
      value={of.map((s) => s.id)}
      onChange={(ids) => set(ids.flatMap((id) => known.get(id) ?? []))}
      searchable
      searchValue={words}
      onSearchChange={setWords}
      filter={({ options }) => options} // the core searched
      nothingFoundMessage={t("common.noMatch")}
      maxDropdownHeight={260}
      clearable
      error={error ?? (found.error ? t("ops.failed") : undefined)}
    />
  );
}
