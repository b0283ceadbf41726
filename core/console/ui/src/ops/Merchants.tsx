import { Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read } from "../api";
import { type Column, DataTable, Empty, Page, SearchBox, State, useFormat, usePages, When } from "../parts";
import type { Shop } from "./data";

const readEvery = 30_000;

// Merchants are all of them by name and in counts; what is counted is theirs alone (UX 3).
export function Merchants() {
  const { t } = useTranslation();
  const { count } = useFormat();
  const [words, setWords] = useState("");
  const pages = usePages<Shop>({
    queryKey: ["ops merchants", words],
    fetch: (page, signal) =>
      read(api.GET("/ops/merchants", { params: { query: { ...page, search: words } }, signal })),
    every: readEvery,
  });
  const columns: Column<Shop>[] = [
    { key: "name", title: t("ops.merchants.name"), cell: (s) => <Name of={s} /> },
    {
      key: "state",
      title: t("ops.merchants.state"),
      card: "state",
      cell: (s) => <State of={stateOf(s)} words="ops.merchants" />,
    },
    {
      key: "accounts",
      title: t("ops.merchants.accounts"),
      numeric: true,
      cell: (s) => count(s.line_accounts),
    },
    {
      key: "friends",
      title: t("ops.merchants.friends"),
      numeric: true,
      card: "fact",
      cell: (s) => count(s.friends),
    },
    { key: "linked", title: t("ops.merchants.linked"), numeric: true, cell: (s) => count(s.linked) },
    {
      key: "sent",
      title: t("ops.merchants.sent"),
      numeric: true,
      card: "fact",
      cell: (s) => count(s.sent),
    },
    {
      key: "edges",
      title: t("ops.merchants.edges"),
      numeric: true,
      cell: (s) => t("ops.overview.of", { n: count(s.edges_working), of: count(s.edges) }),
    },
    { key: "since", title: t("ops.merchants.since"), cell: (s) => <When at={s.created_at} /> },
  ];
  return (
    <Page title={t("ops.merchants.title")} lead={t("ops.merchants.lead")}>
      <SearchBox label={t("ops.merchants.search")} onSearch={setWords} />
      <DataTable
        caption={t("ops.merchants.title")}
        columns={columns}
        pages={pages}
        id={(s) => s.id}
        failed="ops.failed"
        empty={
          words ? (
            <Empty kind="filtered" />
          ) : (
            <Empty kind="new" title={t("ops.merchants.none")} text={t("ops.merchants.why")} />
          )
        }
      />
    </Page>
  );
}

// stateOf tells whether links, QR codes and webhooks of a merchant are answered.
function stateOf(s: Shop) {
  if (s.line_accounts === 0) return "off";
  return s.edges_working > 0 ? "working" : "needs_you";
}

// Name tells shops of the same name apart by their address.
function Name({ of }: { of: Shop }) {
  return (
    <>
      {of.name}{" "}
      <Text span size="xs" c="dimmed" fw={400}>
        {of.slug}
      </Text>
    </>
  );
}
