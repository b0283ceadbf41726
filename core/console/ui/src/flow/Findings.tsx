import { Button, Card, Group, List, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconMinus } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, read, type Schema } from "../api";
import { Failed, Section, useAction } from "../parts";
import { usePlace } from "../place";
import { useMayEdit } from "./useMayEdit";

type Doctor = Schema<"FlowDoctorView">;
type Finding = Schema<"FlowFindingView">;

// Where a finding's one button leads; silent flows are looked up in Klaviyo on the spot.
const cures: Record<string, [text: string, path: string, query?: string]> = {
  wrong_key: ["menu.flowSettings", "flows/settings"],
  quota: ["reason.next.quota", "quota"],
  unlinked: ["reason.next.sendQr", "linking/qr"],
  late: ["reason.next.howToFix", "flows", "reason=late_event"],
};

// Findings are at most three cards: what was found, its evidence, one button.
export function Findings({ of }: { of: Finding[] }) {
  const { t } = useTranslation();
  if (of.length === 0) return null;
  return (
    <Section title={t("flow.doctor.findings")}>
      {of.map((f) => (
        <Card key={`${f.code}-${f.flow ?? ""}`}>
          <FindingCard of={f} />
        </Card>
      ))}
    </Section>
  );
}

function FindingCard({ of }: { of: Finding }) {
  const { t } = useTranslation();
  const { base, exists, mayChange, path } = usePlace();
  const client = useQueryClient();
  const ignore = useAction<void, unknown>((_, headers) =>
    read(
      api.POST("/merchants/{merchant}/channels/{channel}/flow_doctor/ignore", {
        params: { path },
        headers,
        body: { code: of.code, flow: of.flow },
      }),
    ).then(() => client.invalidateQueries({ queryKey: ["flow", "doctor"] })),
  );
  const cure = cures[of.code];
  const data = { name: of.flow, last4: "-", ...named(of) };
  return (
    <Stack gap="xs">
      <Group wrap="nowrap" align="start">
        <IconAlertTriangle size={20} stroke={1.5} aria-hidden="true" style={{ flexShrink: 0 }} />
        <Text size="sm">{t(`flow.finding.${of.code}`, data)}</Text>
      </Group>
      <Group gap="xs">
        {cure && exists(cure[1]) && (
          <Button
            size="xs"
            component={Link}
            to={`${base}/${cure[1]}${cure[2] ? `?flow=${of.flow}&${cure[2]}` : ""}`}
          >
            {t(cure[0])}
          </Button>
        )}
        {(of.code === "silent" || of.code === "draft") && mayChange && <CheckFlow flow={of.flow ?? ""} />}
        {mayChange && (
          <Button size="xs" variant="default" onClick={() => ignore.run()} loading={ignore.busy}>
            {t("flow.doctor.ignore")}
          </Button>
        )}
      </Group>
      {ignore.error && <Failed error={ignore.error} what="flow.failed" />}
    </Stack>
  );
}

// named leaves out an empty name, so that the flow's id stands in its place.
function named(f: Finding): Record<string, unknown> {
  const { name, ...rest } = f.data as Record<string, unknown>;
  return name ? { name, ...rest } : rest;
}

// CheckFlow asks Klaviyo at this moment, and says what it answered.
export function CheckFlow({ flow }: { flow: string }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const client = useQueryClient();
  const check = useAction<void, Schema<"FlowCheckView">>(async (_, headers) => {
    const answer = await read(
      api.POST("/merchants/{merchant}/channels/{channel}/flows/{flow}/check", {
        params: { path: { ...path, flow } },
        headers,
      }),
    );
    void client.invalidateQueries({ queryKey: ["flow", "doctor"] });
    return answer;
  });
  const mayEdit = useMayEdit();
  const live = useAction<void, unknown>(async (_, headers) => {
    await read(
      api.POST("/merchants/{merchant}/channels/{channel}/flows/{flow}/set_live", {
        params: { path: { ...path, flow } },
        headers,
      }),
    );
    await check.run();
  });
  const ours = check.result?.webhooks.filter((w) => w.ours) ?? [];
  const draft = ours.some((w) => w.status !== "live");
  return (
    <>
      <Button size="xs" onClick={() => check.run()} loading={check.busy}>
        {t("flow.check.now")}
      </Button>
      {check.error && <Failed error={check.error} what="flow.check.failed" />}
      {check.result && (
        <Text size="sm" role="status">
          {t("flow.check.status", { status: t(`flow.status.${check.result.status}`) })}{" "}
          {ours
            .map((w) => t("flow.check.webhook", { name: w.name, status: t(`flow.status.${w.status}`) }))
            .join(" ")}
          {ours.length === 0 && check.result.status !== "gone" && t("flow.check.none")}
        </Text>
      )}
      {draft && mayEdit && (
        <Button size="xs" onClick={() => live.run()} loading={live.busy}>
          {t("flow.edit.live")}
        </Button>
      )}
      {live.error && <Failed error={live.error} what="flow.edit.failed" />}
    </>
  );
}

// Checklist is what to look at when nothing arrives, in the order that finds most.
export function Checklist({ of }: { of: Doctor }) {
  const { t } = useTranslation();
  const bad = of.flows.some((f) => f.status && f.status !== "live");
  const rows: { name: string; ok?: boolean; why: string }[] = [
    { name: "linked", ok: of.linked, why: t("flow.checklist.linked.no") },
    {
      name: "live",
      ok: of.flows.length === 0 ? undefined : !bad,
      why: t(of.flows.length === 0 ? "flow.checklist.live.unknown" : "flow.checklist.live.no"),
    },
    { name: "key", ok: of.refused_24h === 0, why: t("flow.checklist.key.no", { n: of.refused_24h }) },
  ];
  return (
    <Section title={t("flow.checklist.title")}>
      <List type="ordered" size="sm" spacing="xs" listStyleType="none">
        {rows.map((r) => (
          <List.Item key={r.name} icon={<Sign ok={r.ok} />}>
            {t(`flow.checklist.${r.name}`)}: {r.ok ? t("flow.checklist.yes") : r.why}
          </List.Item>
        ))}
      </List>
    </Section>
  );
}

// Sign is right, wrong, or not known yet.
export function Sign({ ok }: { ok?: boolean }) {
  const Icon = ok ? IconCheck : ok === undefined ? IconMinus : IconAlertTriangle;
  return (
    <ThemeIcon size={20} variant="light" color={ok ? "green" : ok === undefined ? "gray" : "yellow"}>
      <Icon size={14} aria-hidden="true" />
    </ThemeIcon>
  );
}
