import { Button, Card, List, Stack, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type FlowRequest, read, type Schema } from "../api";
import {
  Choices,
  DataTable,
  Empty,
  Failed,
  Loading,
  Page,
  reasonCodes,
  Section,
  State,
  useFilters,
  useFormat,
  usePages,
  useReason,
  When,
} from "../parts";
import { usePlace } from "../place";
import { DoctorTabs } from "./DoctorTabs";
import { Checklist, Findings } from "./Findings";
import { Flows } from "./Flows";
import { Guide } from "./Guide";

// Doctor says how the flows do, and lists their calls with outcome and reason.
export function Doctor() {
  const { t } = useTranslation();
  const { base, channel, path } = usePlace();
  const { count } = useFormat();
  const doctor = useQuery({
    queryKey: ["flow", "doctor", channel?.id],
    queryFn: () =>
      read(api.GET("/merchants/{merchant}/channels/{channel}/flow_doctor", { params: { path } })),
  });
  const d = doctor.data;
  const measured = d?.delay_seconds !== undefined && {
    m: Math.round(d.delay_seconds / 60),
    n: count(d.measured),
  };
  return (
    <Page
      title={t("flow.doctor.title")}
      lead={`${t("flow.doctor.lead")} ${measured ? t("flow.doctor.delay", measured) : ""}`}
      actions={
        <Button component={Link} to={`${base}/flows/settings`} variant="default">
          {t("menu.flowSettings")}
        </Button>
      }
    >
      <DoctorTabs of="calls" />
      {doctor.isPending && <Loading shape="cards" />}
      {doctor.error && <Failed error={doctor.error} again={() => doctor.refetch()} what="flow.failed" />}
      {d && (
        <>
          <Findings of={d.findings} />
          <Flows of={d.flows} />
          {!d.setup.sent && <Guide of={d} />}
          <Checklist of={d} />
        </>
      )}
      <Calls flows={d?.flows ?? []} />
      <Days />
    </Page>
  );
}

const names = ["state", "reason", "flow", "friend"] as const;
const results = [
  "sent",
  "not_sent",
  "refused",
  "failed",
  "waiting",
  "sending",
  "checking",
  "unconfirmed",
] as const;
type Result = (typeof results)[number];

// Calls are all calls of the last days, the newest first.
function Calls({ flows }: { flows: Schema<"FlowView">[] }) {
  const { t } = useTranslation();
  const { base, channel, path } = usePlace();
  const reason = useReason();
  const filters = useFilters(names);
  const { state, reason: why, flow, friend } = filters.values;
  const pages = usePages<FlowRequest>({
    queryKey: ["flow", "list", channel?.id, filters.values],
    fetch: (page, signal) =>
      read(
        api.GET("/merchants/{merchant}/channels/{channel}/flow_requests", {
          params: {
            path,
            query: { ...page, state: state as Result | undefined, reason: why, flow, friend },
          },
          signal,
        }),
      ),
  });
  const people = usePeople(friend);
  const named = new Map(flows.map((f) => [f.id, f.name]));
  const nameOf = (id: string) => named.get(id) || (id ? t("flow.flows.unnamed", { id }) : "-");
  return (
    <Section title={t("flow.calls.title")}>
      <Choices
        saved="flow_requests"
        filters={filters}
        of={[
          {
            name: "state",
            label: t("flow.result"),
            options: results.map((v) => ({
              value: v,
              label: t(v === "refused" ? "flow.outcome.refused" : `state.${v}`),
            })),
          },
          {
            name: "reason",
            label: t("flow.reason"),
            options: reasonCodes.map((v) => ({ value: v, label: t(`reason.short.${v}`) })),
          },
          {
            name: "flow",
            label: t("flow.flows.name"),
            options: flows.map((f) => ({ value: f.id, label: nameOf(f.id) })),
          },
          { name: "friend", label: t("flow.person"), options: people.options, search: people.search },
        ].filter((c) => c.options.length > 0 || c.search)}
      />
      {why === "late_event" && <Late />}
      <DataTable
        caption={t("flow.calls.title")}
        failed="flow.failed"
        live
        pages={pages}
        id={(r) => r.id}
        link={(r) => `${base}/flows/requests/${r.id}`}
        empty={
          filters.any ? (
            <Empty kind="filtered" clear={filters.clear} />
          ) : (
            <Empty kind="new" title={t("flow.doctor.empty")} />
          )
        }
        columns={[
          { key: "at", title: t("flow.arrived"), cell: (r) => <When at={r.at} /> },
          {
            key: "person",
            title: t("flow.person"),
            card: "fact",
            cell: (r) => r.friend?.name || r.profile_id || "-",
          },
          { key: "flow", title: t("flow.flows.name"), cell: (r) => nameOf(r.flow_id) },
          {
            key: "message",
            title: t("flow.message"),
            cell: (r) => r.message?.name || (r.outcome === "refused" ? "-" : t("flow.directText")),
          },
          {
            key: "state",
            title: t("flow.state"),
            card: "state",
            cell: (r) => <State of={r.state} words="state" />,
          },
          {
            key: "result",
            title: t("flow.result"),
            card: "fact",
            cell: (r) => (
              <Stack gap={0}>
                <Text size="sm">{reason(r.reason, r.reason_data)}</Text>
                {r.repeats > 0 && (
                  <Text size="sm" c="dimmed">
                    {t("flow.repeats", { n: r.repeats })}
                  </Text>
                )}
              </Stack>
            ),
          },
          {
            key: "delay",
            title: t("flow.flows.delay"),
            numeric: true,
            cell: (r) =>
              r.delay_seconds === undefined
                ? "-"
                : t("flow.flows.minutes", { m: Math.round(r.delay_seconds / 60) }),
          },
        ]}
      />
    </Section>
  );
}

// Days are the sums of days whose calls are kept no more.
function Days() {
  const { t } = useTranslation();
  const { channel, path } = usePlace();
  const { count } = useFormat();
  const { flow } = useFilters(["flow"]).values;
  const pages = usePages<Schema<"FlowDayView">>({
    queryKey: ["flow", "days", channel?.id, flow],
    fetch: (page, signal) =>
      read(
        api.GET("/merchants/{merchant}/channels/{channel}/flow_days", {
          params: { path, query: { ...page, flow } },
          signal,
        }),
      ),
  });
  if (pages.rows.length === 0 && !pages.error && pages.page === 0) return null;
  const figures = ["calls", "sent", "not_sent", "failed"] as const;
  return (
    <Section title={t("flow.days.title")}>
      <Text size="sm">{t("flow.days.why")}</Text>
      <DataTable
        caption={t("flow.days.title")}
        failed="flow.failed"
        pages={pages}
        id={(d) => d.day}
        empty={<Empty kind="new" title={t("flow.doctor.empty")} />}
        columns={[
          { key: "day", title: t("flow.days.day"), cell: (d) => d.day },
          ...figures.map((name) => ({
            key: name,
            title: t(`flow.days.${name}`),
            numeric: true,
            card: name === "calls" || name === "sent" ? ("fact" as const) : undefined,
            cell: (d: Schema<"FlowDayView">) => count(d[name]),
          })),
        ]}
      />
    </Section>
  );
}

// Late says what to do about events that reach Klaviyo late.
function Late() {
  const { t } = useTranslation();
  return (
    <Card component="section" aria-label={t("flow.late.title")}>
      <Text fw={600} size="sm">
        {t("flow.late.title")}
      </Text>
      <List size="sm" type="ordered">
        {["compare", "wait", "send"].map((one) => (
          <List.Item key={one}>{t(`flow.late.${one}`)}</List.Item>
        ))}
      </List>
    </Card>
  );
}

const listedPeople = 50;

// usePeople are the linked friends to choose from: the newest, those that a search finds, and the
// chosen one whoever that is. Search words go in a body: they may be an email.
function usePeople(chosen?: string) {
  const { t } = useTranslation();
  const { channel, path } = usePlace();
  const [words, search] = useState("");
  const one = "/merchants/{merchant}/channels/{channel}/friends" as const;
  const friends = useQuery({
    queryKey: ["friend", "linked people", channel?.id, words],
    queryFn: () =>
      read(
        api.POST(`${one}/search`, {
          params: { path },
          body: { text: words, linked: "yes", limit: listedPeople },
        }),
      ),
    placeholderData: keepPreviousData,
  });
  const listed = friends.data?.items ?? [];
  const missing = !!chosen && !listed.some((f) => f.id === chosen);
  const other = useQuery({
    queryKey: ["friend", chosen],
    queryFn: () => read(api.GET(`${one}/{friend}`, { params: { path: { ...path, friend: chosen ?? "" } } })),
    enabled: missing && friends.isSuccess,
  });
  const all = missing && other.data ? [other.data, ...listed] : listed;
  return { options: all.map((f) => ({ value: f.id, label: f.name || t("common.noName") })), search };
}
