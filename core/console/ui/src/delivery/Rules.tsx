import {
  Anchor,
  Button,
  Card,
  Checkbox,
  Group,
  NumberInput,
  Select,
  Stack,
  Switch,
  Text,
  TextInput,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, read, type Schema } from "../api";
import { Failed, fieldError, Loading, Page, Result, Section, useFormat } from "../parts";
import { usePlace } from "../place";
import { type SendingRules, useRules, useSaveRules } from "./useRules";

type Quiet = Schema<"QuietView">;
type Cap = Schema<"CapView">;
type Affected = Schema<"AffectedView">;

const nights: Quiet = {
  from: "21:00",
  until: "08:00",
  days: [1, 2, 3, 4, 5, 6, 7],
  flows: "wait",
  broadcasts: "wait",
};
const few: Cap = { messages: 3, days: 7, flows: false };
const hour = 3600;

// Rules is when the account sends, and how much one person gets (UX 5.34).
export function Rules() {
  const { t } = useTranslation();
  const { channel, merchant } = usePlace();
  const rules = useRules();
  return (
    <Page
      title={t("delivery.rules.title")}
      lead={t("delivery.rules.lead", { name: channel?.name ?? "", zone: merchant.time_zone })}
    >
      {rules.isPending && <Loading shape="cards" />}
      {rules.error && (
        <Failed error={rules.error} again={() => rules.refetch()} what="delivery.rules.failed" />
      )}
      {rules.data && <Form key={channel?.id} from={rules.data.value} />}
    </Page>
  );
}

function Form({ from }: { from: SendingRules }) {
  const { t } = useTranslation();
  const { base } = usePlace();
  const [rules, set] = useState(from);
  const save = useSaveRules();
  const affected = useAffected(rules);
  const change = (part: Partial<SendingRules>) => set({ ...rules, ...part });
  const { quiet, cap, too_late_seconds } = rules;
  return (
    <>
      <Section title={t("delivery.rules.quiet")}>
        <Card>
          <Stack gap="sm">
            <Switch
              label={t("delivery.rules.quietOn")}
              description={t("delivery.rules.quietWhat")}
              checked={!!quiet}
              onChange={(e) => change({ quiet: e.currentTarget.checked ? nights : undefined })}
            />
            {quiet && <QuietHours of={quiet} set={(v) => change({ quiet: v })} error={save.error} />}
            {quiet && <Would n={affected?.quiet} of={affected} what="delivery.rules.wouldQuiet" />}
          </Stack>
        </Card>
      </Section>
      <Section title={t("delivery.rules.cap")}>
        <Card>
          <Stack gap="sm">
            <Switch
              label={t("delivery.rules.capOn")}
              description={t("delivery.rules.capWhat")}
              checked={!!cap}
              onChange={(e) => change({ cap: e.currentTarget.checked ? few : undefined })}
            />
            {cap && <Limit of={cap} set={(v) => change({ cap: v })} />}
            {cap && <Would n={affected?.cap} of={affected} what="delivery.rules.would" />}
          </Stack>
        </Card>
      </Section>
      <Section title={t("delivery.rules.late")}>
        <Card>
          <NumberInput
            label={t("delivery.rules.lateHours")}
            description={t("delivery.rules.lateWhat")}
            value={too_late_seconds / hour}
            onChange={(v) => change({ too_late_seconds: Math.round((Number(v) || 1) * hour) })}
            error={fieldError(save.error, "too_late_seconds")}
            min={0.5}
            max={72}
            step={1}
            decimalScale={1}
            maw={420}
          />
        </Card>
      </Section>
      <Result of={save} what="delivery.rules.notSaved">
        <Button onClick={() => save.run({ quiet, cap, too_late_seconds })} loading={save.busy}>
          {t("delivery.rules.save")}
        </Button>
      </Result>
      <Group gap="md">
        <Beside to={`${base}/quota`}>{t("delivery.rules.toReserve")}</Beside>
        <Beside to={`${base}/settings/tracking`}>{t("delivery.rules.toTracking")}</Beside>
        <Beside to={`${base}/friends?tester=yes`}>{t("delivery.rules.toTesters")}</Beside>
      </Group>
    </>
  );
}

function Beside({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Anchor component={Link} to={to} size="sm">
      {children}
    </Anchor>
  );
}

// useAffected asks what rules would have done to the last month, once typing rests.
function useAffected(rules: SendingRules): Affected | undefined {
  const { path, channel } = usePlace();
  const [asked] = useDebouncedValue(rules, 400);
  return useQuery({
    queryKey: ["sending", "affected", channel?.id, asked],
    queryFn: () =>
      read(
        api.POST("/merchants/{merchant}/channels/{channel}/sending/rules/preview", {
          params: { path },
          body: asked,
        }),
      ),
    enabled: !!(asked.quiet || asked.cap),
    retry: false,
  }).data;
}

// Would says how much of the last month a rule would have met.
function Would({ n, of, what }: { n?: number; of?: Affected; what: string }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  return (
    <Text size="sm" c="dimmed" role="status">
      {of && n !== undefined ? t(what, { n: count(n), m: count(of.messages) }) : ""}
    </Text>
  );
}

const actions = ["wait", "skip", "send"] as const;

function QuietHours({ of: q, set, error }: { of: Quiet; set: (q: Quiet) => void; error?: Error }) {
  const { t } = useTranslation();
  const { weekday: named } = useFormat();
  const choices = actions.map((v) => ({ value: v, label: t(`delivery.rules.action.${v}`) }));
  return (
    <>
      <Group align="start">
        <TextInput
          type="time"
          label={t("delivery.rules.from")}
          value={q.from}
          onChange={(e) => set({ ...q, from: e.currentTarget.value })}
        />
        <TextInput
          type="time"
          label={t("delivery.rules.until")}
          value={q.until}
          onChange={(e) => set({ ...q, until: e.currentTarget.value })}
          error={fieldError(error, "quiet.until")}
        />
      </Group>
      <Checkbox.Group
        label={t("delivery.rules.days")}
        value={q.days.map(String)}
        onChange={(v) => set({ ...q, days: v.map(Number).sort() })}
        error={q.days.length === 0 ? t("delivery.rules.noDay") : undefined}
      >
        <Group gap="md" mt="xs">
          {nights.days.map((d) => (
            <Checkbox key={d} value={String(d)} label={named(d)} />
          ))}
        </Group>
      </Checkbox.Group>
      <Group align="start">
        <Select
          label={t("delivery.route.flow")}
          data={choices}
          value={q.flows}
          onChange={(v) => v && set({ ...q, flows: v as Quiet["flows"] })}
          allowDeselect={false}
          miw={220}
        />
        <Select
          label={t("delivery.route.broadcast")}
          data={choices}
          value={q.broadcasts}
          onChange={(v) => v && set({ ...q, broadcasts: v as Quiet["broadcasts"] })}
          allowDeselect={false}
          miw={220}
        />
      </Group>
      <Text size="sm" c="dimmed">
        {t("delivery.rules.always")}
      </Text>
    </>
  );
}

function Limit({ of: c, set }: { of: Cap; set: (c: Cap) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <Group align="start">
        <NumberInput
          label={t("delivery.rules.messages")}
          value={c.messages}
          onChange={(v) => set({ ...c, messages: Number(v) || 1 })}
          min={1}
          max={1000}
          allowDecimal={false}
        />
        <NumberInput
          label={t("delivery.rules.inDays")}
          value={c.days}
          onChange={(v) => set({ ...c, days: Number(v) || 1 })}
          min={1}
          max={90}
          allowDecimal={false}
        />
      </Group>
      <Checkbox
        label={t("delivery.rules.capFlows")}
        checked={c.flows}
        onChange={(e) => set({ ...c, flows: e.currentTarget.checked })}
      />
    </>
  );
}
