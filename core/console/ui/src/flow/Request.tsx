import { Anchor, Card, Grid, Stack, Text, Timeline } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, type FlowRequestDetail, read } from "../api";
import {
  Copy,
  Failed,
  LineWords,
  Loading,
  Page,
  Reason,
  State,
  useFormat,
  useReason,
  useShortReason,
  When,
} from "../parts";
import { Preview } from "../phone/Preview";
import { usePlace } from "../place";
import { Again } from "./Again";
import { Called } from "./Called";
import { Sent } from "./Sent";
import { Unsure } from "./Unsure";

const signs: Record<string, string> = { done: "✓", failed: "✕", not_reached: "·" };

// Request tells one call step by step, and shows what LINE got.
export function Request() {
  const { t, i18n } = useTranslation();
  const { request: id = "" } = useParams();
  const { path, channel, base } = usePlace();
  const call = useQuery({
    queryKey: ["flow", id],
    queryFn: async () =>
      (await read(
        api.GET("/merchants/{merchant}/channels/{channel}/flow_requests/{request}", {
          params: { path: { ...path, request: id } },
        }),
      )) as FlowRequestDetail,
  });
  const summary = useSummary();
  if (call.isPending) return <Loading page={t("menu.doctor")} />;
  if (call.error)
    return (
      <Failed page={t("menu.doctor")} error={call.error} again={() => call.refetch()} what="flow.failed" />
    );
  const r = call.data;
  return (
    <Page
      title={t(r.flow_id ? "flow.request.titleOf" : "flow.request.title", {
        person: r.friend?.name || r.profile_id || "-",
        flow: r.flow_name || r.flow_id,
      })}
      state={<State of={r.state} words="state" />}
      lead={<When at={r.at} full />}
      actions={<Copy value={summary(r)} what={t("flow.request.summary")} size="sm" />}
    >
      <Grid>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack>
            <Reason code={r.reason} data={r.reason_data} />
            <LineWords code={r.reason} data={r.reason_data} />
            {r.event_note && (
              <Text size="sm">
                {t(`flow.event.${r.event_note}`)}{" "}
                <Anchor component={Link} to={`${base}/flows/settings`} size="sm">
                  {t("reason.next.getJson")}
                </Anchor>
              </Text>
            )}
            {r.warning && <Text size="sm">{t(`flow.warning.${r.warning}`)}</Text>}
            {r.reason === "duplicate" && <Text size="sm">{t("flow.request.cause")}</Text>}
            {r.repeats > 0 && <Text size="sm">{t("flow.repeats", { n: r.repeats })}</Text>}
            {r.duplicate_of && (
              <Anchor component={Link} to={`${base}/flows/requests/${r.duplicate_of}`} size="sm">
                {t("flow.request.first")}
              </Anchor>
            )}
            {r.reason === "duplicate" && !r.duplicate_of && (
              <Text size="sm">{t("flow.request.firstGone")}</Text>
            )}
            {r.friend && (
              <Anchor component={Link} to={`${base}/friends/${r.friend.id}`} size="sm">
                {t("flow.request.friend", { name: r.friend.name || t("common.noName") })}
              </Anchor>
            )}
            <Again call={r} />
            <Unsure call={r} />
            <Steps of={r} />
            <Called request={r.id} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          {r.messages && channel && (
            <Preview
              language={i18n.language}
              account={{ name: channel.name }}
              label={t("flow.request.phone")}
              messages={r.messages.map((m) => ({ message: m, at: r.at ?? undefined }))}
            />
          )}
          {r.sent && <Sent json={r.sent} />}
          {r.line_request_id && (
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              {t("flow.request.line", { id: r.line_request_id })}
            </Text>
          )}
          {r.state === "sent" && !r.sent && <Text size="sm">{t("flow.sent.gone")}</Text>}
        </Grid.Col>
      </Grid>
    </Page>
  );
}

type Step = FlowRequestDetail["steps"][number];

// useStepName puts a step into words, with what is known of it.
function useStepName() {
  const { t } = useTranslation();
  return (s: Step) =>
    t(`flow.step.${worded(s)}`, {
      last4: "-",
      ...s.data,
      stored: t(...within(Number(s.data?.stored_ms ?? 0))),
    });
}

// within is how long something took, in the unit that reads best.
function within(ms: number) {
  if (ms < 1000) return ["flow.stored.ms", { n: ms }] as const;
  if (ms < 120_000) return ["flow.stored.s", { n: Math.round(ms / 1000) }] as const;
  return ["flow.stored.min", { n: Math.round(ms / 60_000) }] as const;
}

// worded is what is known of a step: what happened, how long Klaviyo took, how long it mostly takes.
function worded(s: Step) {
  if (s.state === "failed") return `failed.${s.code}`;
  if (s.data?.name !== undefined) return "eventNamed";
  if (s.data?.minutes === undefined) return s.code;
  return s.data.usual === undefined ? "calledAfter" : "calledUsual";
}

function Steps({ of }: { of: FlowRequestDetail }) {
  const { t } = useTranslation();
  const name = useStepName();
  const short = useShortReason();
  return (
    <Card>
      <Timeline bulletSize={20} lineWidth={2}>
        {of.steps.map((s) => (
          <Timeline.Item
            key={s.code}
            bullet={<span aria-hidden="true">{signs[s.state]}</span>}
            title={name(s)}
          >
            <Text size="sm" c="dimmed">
              {s.at && <When at={s.at} />} {t(`flow.stepState.${s.state}`)}
              {s.state === "failed" && of.reason && ` · ${short(of.reason)}`}
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
    </Card>
  );
}

// useSummary is a call as text for support: ids, steps and times, nobody's name.
function useSummary() {
  const { t } = useTranslation();
  const { moment } = useFormat();
  const reason = useReason();
  const step = useStepName();
  return (r: FlowRequestDetail) =>
    [
      `${r.id} ${t(`state.${r.state}`)}`,
      reason(r.reason, r.reason_data),
      r.event_note && t(`flow.event.${r.event_note}`),
      r.line_request_id && t("flow.request.line", { id: r.line_request_id }),
      ...r.steps.map((s) =>
        [step(s), t(`flow.stepState.${s.state}`), s.at && moment(s.at, true)].filter(Boolean).join(" · "),
      ),
    ]
      .filter(Boolean)
      .join("\n");
}
