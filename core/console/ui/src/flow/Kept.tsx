import { Anchor, Button, Group, Table, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, read, type Schema } from "../api";
import {
  Empty,
  Failed,
  Loading,
  Page,
  Result,
  Section,
  useAction,
  useKeptActions,
  When,
  Wide,
} from "../parts";
import { usePlace } from "../place";
import { DoctorTabs } from "./DoctorTabs";

type Message = Schema<"KeptDeliveryView">;
type Events = Schema<"KeptEventsView">;

const one = "/merchants/{merchant}/channels/{channel}" as const;

// Kept is what could not be worked off: messages that never left, and events of LINE. Trying
// again can double neither (UX 5.19).
export function Kept() {
  const { t } = useTranslation();
  const { base } = usePlace();
  return (
    <Page title={t("flow.kept.title")} lead={t("flow.kept.lead")}>
      <DoctorTabs of="kept" />
      <Messages />
      <LineEvents />
      <Dismissed />
      <Anchor component={Link} to={`${base}/linking/kept`} size="sm" w="fit-content">
        {t("flow.kept.klaviyo")}
      </Anchor>
    </Page>
  );
}

function Messages() {
  const { t } = useTranslation();
  const { base, channel, path, merchant } = usePlace();
  const client = useQueryClient();
  const kept = useQuery({
    queryKey: ["flow", "kept", channel?.id],
    queryFn: () => read(api.GET(`${one}/kept_deliveries`, { params: { path } })),
  });
  const again = useAction(async (ids: string[], headers) => {
    for (const delivery of ids)
      await read(
        api.POST("/merchants/{merchant}/deliveries/{delivery}/replay", {
          params: { path: { merchant: merchant.id, delivery } },
          headers: { "Idempotency-Key": `${headers["Idempotency-Key"]} ${delivery}` },
        }),
      );
    await client.invalidateQueries({ queryKey: ["flow", "kept"] });
    await client.invalidateQueries({ queryKey: ["home"] });
  });
  const rows = kept.data?.items ?? [];
  return (
    <Part
      title={t("flow.kept.messages")}
      none={t("flow.kept.noMessages")}
      of={kept}
      rows={rows}
      again={again}
      all={() => again.run(rows.map((r) => r.id))}
      columns={["person", "what", "why", "age"]}
    >
      {rows.map((m: Message) => (
        <Table.Tr key={m.id}>
          <Table.Th scope="row">
            <Anchor component={Link} to={`${base}/friends/${m.friend.id}`} inherit>
              {m.friend.name || t("common.noName")}
            </Anchor>
          </Table.Th>
          <Table.Td>
            {m.request ? (
              <Anchor component={Link} to={`${base}/flows/requests/${m.request}`} inherit>
                {t("delivery.route.flow")}
              </Anchor>
            ) : (
              t(`delivery.route.${m.kind}`)
            )}
          </Table.Td>
          <Table.Td>{t("flow.kept.fault")}</Table.Td>
          <Table.Td>
            <When at={m.received_at} />
          </Table.Td>
          <Try run={() => again.run([m.id])} busy={again.busy} name={m.friend.name || t("common.noName")} />
        </Table.Tr>
      ))}
    </Part>
  );
}

// LineEvents may be dismissed: what cannot be read, or is about another account, never can be
// worked off. A message may not: somebody waits for it, and trying again ends it either way.
function LineEvents() {
  const { t } = useTranslation();
  const events = useKeptEvents(false);
  const { again, dismiss } = useEventActions();
  const rows = events.data?.items ?? [];
  return (
    <Part
      title={t("flow.kept.events")}
      none={t("flow.kept.noEvents")}
      of={events}
      rows={rows}
      again={again}
      all={() => again.run(undefined)}
      columns={["what", "why", "age"]}
      more={dismiss.error && <Failed error={dismiss.error} what="flow.kept.notDismissed" />}
    >
      {rows.map((e: Events) => (
        <Table.Tr key={e.id}>
          <EventCells of={e} />
          <Try run={() => again.run(e.id)} busy={again.busy} name={t("flow.kept.fromLine")}>
            <Button size="xs" variant="subtle" onClick={() => dismiss.run(e.id)} disabled={dismiss.busy}>
              {t("flow.kept.dismiss")}
            </Button>
          </Try>
        </Table.Tr>
      ))}
    </Part>
  );
}

// Dismissed is the way back, as long as what LINE sent is kept.
function Dismissed() {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  const events = useKeptEvents(true);
  const { bringBack } = useEventActions();
  const rows = events.data?.items ?? [];
  if (rows.length === 0) return null;
  return (
    <Section title={t("flow.kept.dismissed", { count: rows.length, n: rows.length })}>
      <Text size="sm" c="dimmed">
        {t("flow.kept.dismissedWhat")}
      </Text>
      <Wide label={t("flow.kept.dismissed", { count: rows.length, n: rows.length })} min={560}>
        <Table>
          <Heads of={["what", "why", "age"]} />
          <Table.Tbody>
            {rows.map((e: Events) => (
              <Table.Tr key={e.id}>
                <EventCells of={e} />
                {mayChange && (
                  <Table.Td>
                    <Button
                      size="xs"
                      variant="default"
                      onClick={() => bringBack.run(e.id)}
                      disabled={bringBack.busy}
                    >
                      {t("flow.kept.bringBack")}
                    </Button>
                  </Table.Td>
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
      <Result of={bringBack} what="flow.kept.notBroughtBack">
        {null}
      </Result>
    </Section>
  );
}

function EventCells({ of: e }: { of: Events }) {
  const { t } = useTranslation();
  return (
    <>
      <Table.Th scope="row">{t("flow.kept.fromLine")}</Table.Th>
      <Table.Td>{t(`flow.kept.problem.${e.problem}`)}</Table.Td>
      <Table.Td>
        <When at={e.received_at} />
      </Table.Td>
    </>
  );
}

function useKeptEvents(dismissed: boolean) {
  const { channel, path } = usePlace();
  return useQuery({
    queryKey: ["flow", "kept events", channel?.id, dismissed],
    queryFn: () => read(api.GET(`${one}/kept_events`, { params: { path, query: { dismissed } } })),
  });
}

function useEventActions() {
  const { path } = usePlace();
  const params = { path };
  return useKeptActions({
    list: ["flow", "kept events"],
    again: (request, headers) =>
      read(api.POST(`${one}/kept_events/replay`, { params, headers, body: { request } })),
    dismiss: (request, headers) =>
      read(api.POST(`${one}/kept_events/dismiss`, { params, headers, body: { request } })),
    bringBack: (request, headers) =>
      read(api.POST(`${one}/kept_events/bring_back`, { params, headers, body: { request } })),
  });
}

type PartProps = {
  title: string;
  none: string;
  of: { isPending: boolean; error: Error | null; refetch: () => void };
  rows: unknown[];
  again: Parameters<typeof Result>[0]["of"];
  all: () => void;
  columns: string[];
  more?: ReactNode;
  children: ReactNode;
};

function Part({ title, none, of, rows, again, all, columns, more, children }: PartProps) {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  return (
    <Section title={title}>
      {of.isPending && <Loading shape="lines" />}
      {of.error && <Failed error={of.error} again={of.refetch} what="flow.kept.failed" />}
      {!of.isPending && !of.error && rows.length === 0 && <Empty kind="good" title={none} />}
      {mayChange && (
        <Result of={again} what="flow.kept.notTried" done="flow.kept.triedAt">
          {rows.length > 0 && (
            <Button variant="default" onClick={all} loading={again.busy}>
              {t("flow.kept.all", { count: rows.length, n: rows.length })}
            </Button>
          )}
        </Result>
      )}
      {more}
      {rows.length > 0 && (
        <Wide label={title} min={560}>
          <Table>
            <Heads of={columns} />
            <Table.Tbody>{children}</Table.Tbody>
          </Table>
        </Wide>
      )}
    </Section>
  );
}

function Heads({ of: columns }: { of: string[] }) {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  return (
    <Table.Thead>
      <Table.Tr>
        {columns.map((c) => (
          <Table.Th key={c}>{t(`flow.kept.${c}`)}</Table.Th>
        ))}
        {mayChange && <Table.Th>{t("flow.settings.actions")}</Table.Th>}
      </Table.Tr>
    </Table.Thead>
  );
}

type TryProps = { run: () => void; busy: boolean; name: string; children?: ReactNode };

function Try({ run, busy, name, children }: TryProps) {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  if (!mayChange) return null;
  return (
    <Table.Td>
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          onClick={run}
          disabled={busy}
          aria-label={`${t("common.again")}: ${name}`}
        >
          {t("common.again")}
        </Button>
        {children}
      </Group>
    </Table.Td>
  );
}
