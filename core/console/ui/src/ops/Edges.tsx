import { Alert, Button, Group, Text } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api, read } from "../api";
import { type Column, DataTable, Empty, Page, State, Trend, useFormat, usePages, When } from "../parts";
import { askEvery, type Edge } from "./data";
import { Enrol } from "./Enrol";
import { Paused } from "./Parts";

// Edges are all that are not revoked (UX 5.35).
export function Edges() {
  const { t } = useTranslation();
  const { count, decimal, bytes, duration } = useFormat();
  const [search, setSearch] = useSearchParams();
  const pages = usePages<Edge>({
    queryKey: ["ops edges"],
    fetch: (_, signal) => read(api.GET("/ops/edges", { signal })),
    every: askEvery,
  });
  const columns: Column<Edge>[] = [
    { key: "name", title: t("ops.edge.name"), cell: (e) => e.name },
    {
      key: "state",
      title: t("ops.edge.state"),
      card: "state",
      cell: (e) => <State of={e.state} words="ops.state" />,
    },
    { key: "version", title: t("ops.edge.version"), cell: (e) => e.version || "-" },
    {
      key: "contact",
      title: t("ops.edge.contact"),
      card: "fact",
      cell: (e) => (e.last_contact_at ? <When at={e.last_contact_at} /> : t("ops.edge.never")),
    },
    {
      key: "behind",
      title: t("ops.edge.behind"),
      numeric: true,
      cell: (e) => count(e.behind_seconds),
    },
    {
      key: "waiting",
      title: t("ops.edge.waiting"),
      numeric: true,
      card: "fact",
      cell: (e) =>
        e.waiting_events > 0
          ? t("ops.edge.oldest", {
              count: e.waiting_events,
              n: count(e.waiting_events),
              t: duration(e.oldest_seconds),
            })
          : "0",
    },
    {
      key: "rate",
      title: t("ops.edge.rate"),
      cell: (e) => (
        <Group gap="xs" wrap="nowrap">
          <Text size="sm" miw={32} ta="right">
            {decimal(e.events_per_second)}
          </Text>
          <div style={{ width: 90 }}>
            <Trend data={e.events} />
          </div>
        </Group>
      ),
    },
    {
      key: "modules",
      title: t("ops.edge.modules"),
      numeric: true,
      cell: (e) => (e.modules_version === 0 ? t("ops.edge.builtIn") : e.modules_version),
    },
    {
      key: "disk",
      title: t("ops.edge.disk"),
      numeric: true,
      cell: (e) => t("ops.edge.diskOf", { n: bytes(e.disk_bytes), of: bytes(e.disk_limit) }),
    },
  ];
  const enrol = (
    <Button onClick={() => setSearch({ panel: "enrol" }, { replace: true })}>{t("ops.enrol.open")}</Button>
  );
  return (
    <Page title={t("ops.edges.title")} lead={t("ops.edges.lead")} actions={pages.rows.length > 0 && enrol}>
      {pages.error && pages.readAt && <Paused at={pages.readAt} />}
      {pages.rows
        .filter((e) => e.state === "silent")
        .map((e) => (
          <Silent key={e.id} of={e} named />
        ))}
      <DataTable
        caption={t("ops.edges.title")}
        columns={columns}
        pages={pages}
        id={(e) => e.id}
        link={(e) => `/ops/edges/${e.id}`}
        failed="ops.failed"
        empty={<Empty kind="new" title={t("ops.edges.none")} text={t("ops.edges.why")} action={enrol} />}
      />
      {search.get("panel") === "enrol" && <Enrol close={() => setSearch({}, { replace: true })} />}
    </Page>
  );
}

// Silent says what is known of an edge without contact, and what is not.
export function Silent({ of, named }: { of: Edge; named?: boolean }) {
  const { t } = useTranslation();
  const { count, duration } = useFormat();
  return (
    <Alert color="yellow" variant="light" icon={<IconPlugConnectedX stroke={1.5} />} role="status">
      {named && (
        <Text size="sm" fw={600}>
          {of.name}
        </Text>
      )}
      <Text size="sm">
        {t("ops.edge.silent", {
          t: duration(of.silent_seconds),
          count: of.waiting_events,
          n: count(of.waiting_events),
        })}
      </Text>
    </Alert>
  );
}
