import { Anchor, Button, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type List, read, type Schema } from "../api";
import {
  type Column,
  DataTable,
  Empty,
  Failed,
  Page,
  Result,
  Section,
  useKeptActions,
  usePages,
  When,
} from "../parts";
import { usePlace } from "../place";

const all = "/merchants/{merchant}/klaviyo/kept" as const;

type Item = Schema<"KeptView">;

// Kept lists what Klaviyo refused: it holds up nothing, and can be tried again, or dismissed.
export function Kept() {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  const pages = useKept(false);
  const { again, dismiss } = useActions();
  const columns = useColumns((k) => (
    <>
      <Button size="xs" variant="default" onClick={() => again.run(k.id)} disabled={again.busy}>
        {t("common.again")}
      </Button>
      <Button size="xs" variant="subtle" onClick={() => dismiss.run(k.id)} disabled={dismiss.busy}>
        {t("flow.kept.dismiss")}
      </Button>
    </>
  ));
  return (
    <Page title={t("linking.kept.title")} lead={t("linking.kept.lead")}>
      {mayChange && pages.rows.length > 0 && (
        <Result of={again} what="linking.kept.notTried" done="linking.kept.triedAt">
          <Button variant="default" onClick={() => again.run(undefined)} loading={again.busy}>
            {t("linking.kept.all")}
          </Button>
        </Result>
      )}
      {dismiss.error && <Failed error={dismiss.error} what="flow.kept.notDismissed" />}
      <DataTable
        caption={t("linking.kept.title")}
        failed="linking.failed"
        live
        pages={pages}
        id={(k) => k.id}
        empty={<Empty kind="good" title={t("linking.kept.none")} />}
        columns={columns}
      />
      <Dismissed />
    </Page>
  );
}

// Dismissed is the way back.
function Dismissed() {
  const { t } = useTranslation();
  const pages = useKept(true);
  const { bringBack } = useActions();
  const columns = useColumns((k) => (
    <Button size="xs" variant="default" onClick={() => bringBack.run(k.id)} disabled={bringBack.busy}>
      {t("flow.kept.bringBack")}
    </Button>
  ));
  if (pages.rows.length === 0 && pages.page === 0) return null;
  return (
    <Section title={t("linking.kept.dismissed")}>
      <Text size="sm" c="dimmed">
        {t("linking.kept.dismissedWhat")}
      </Text>
      {bringBack.error && <Failed error={bringBack.error} what="flow.kept.notBroughtBack" />}
      <DataTable
        caption={t("linking.kept.dismissed")}
        failed="linking.failed"
        pages={pages}
        id={(k) => k.id}
        empty={null}
        columns={columns}
      />
    </Section>
  );
}

function useKept(dismissed: boolean) {
  const { merchant } = usePlace();
  return usePages<Item>({
    queryKey: ["linking", "kept", merchant.id, dismissed],
    fetch: ({ cursor, limit }) =>
      read(
        api.GET(all, { params: { path: { merchant: merchant.id }, query: { cursor, limit, dismissed } } }),
      ) as Promise<List<Item>>,
  });
}

function useActions() {
  const { merchant } = usePlace();
  const params = { path: { merchant: merchant.id } };
  return useKeptActions({
    list: ["linking", "kept"],
    again: (item, headers) => read(api.POST(`${all}/retry`, { params, headers, body: { item } })),
    dismiss: (item, headers) => read(api.POST(`${all}/dismiss`, { params, headers, body: { item } })),
    bringBack: (item, headers) => read(api.POST(`${all}/bring_back`, { params, headers, body: { item } })),
  });
}

function useColumns(actions: (k: Item) => ReactNode): Column<Item>[] {
  const { t } = useTranslation();
  const { base, mayChange } = usePlace();
  const columns: Column<Item>[] = [
    {
      key: "what",
      title: t("linking.kept.what"),
      cell: (k) => (k.kind === "profile" ? t("linking.kept.properties") : (k.metric ?? "")),
    },
    {
      key: "who",
      title: t("linking.kept.who"),
      card: "fact",
      cell: (k) =>
        k.friend ? (
          <Anchor component={Link} to={`${base}/friends/${k.friend.id}`} inherit>
            {k.friend.name || t("friend.noName")}
          </Anchor>
        ) : (
          "-"
        ),
    },
    {
      key: "why",
      title: t("linking.kept.why"),
      card: "fact",
      cell: (k) => t(`linking.problem.${k.problem}`),
    },
    { key: "when", title: t("linking.kept.when"), cell: (k) => <When at={k.occurred_at} /> },
  ];
  if (mayChange)
    columns.push({
      key: "action",
      title: t("linking.kept.action"),
      card: "actions",
      cell: (k) => <Group gap="xs">{actions(k)}</Group>,
    });
  return columns;
}
