import { Alert, Anchor, Button, Card, Group, SimpleGrid, Slider, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read } from "../api";
import {
  BarChart,
  Bars,
  Bullet,
  Chart,
  dayIn,
  Failed,
  Loading,
  Page,
  Result,
  Section,
  useAction,
  useFormat,
  useNow,
  When,
} from "../parts";
import { usePlace } from "../place";
import { counted, levelOf, type Month, useMonth } from "./useMonth";
import { useRules, useSaveRules } from "./useRules";

const routes = ["flow", "broadcast", "test", "welcome", "reply"] as const;
const old = 15 * 60_000; // ms: LINE's figure is then no longer fresh

// Quota says how many of the month's messages are used, kept and left, and what waits for more
// (UX 5.33).
export function Quota() {
  const { t } = useTranslation();
  const { channel } = usePlace();
  const month = useMonth();
  return (
    <Page title={t("delivery.quota.title")} lead={channel?.name} actions={<Plan />}>
      {month.isPending && <Loading shape="cards" />}
      {month.error && (
        <Failed error={month.error} again={() => month.refetch()} what="delivery.quota.failed" />
      )}
      {month.data && <Shown of={month.data} />}
    </Page>
  );
}

// Plan leads to where LINE sells more messages.
function Plan() {
  const { t } = useTranslation();
  const { channel } = usePlace();
  return (
    <Anchor
      href={`https://manager.line.biz/account/${channel?.basic_id ?? ""}/`}
      target="_blank"
      rel="noreferrer"
      size="sm"
    >
      {t("delivery.quota.plan")}
    </Anchor>
  );
}

function Shown({ of: m }: { of: Month }) {
  const { t } = useTranslation();
  const { mayManage } = usePlace();
  return (
    <>
      <Trouble of={m} />
      {m.unlimited ? <NoLimit of={m} /> : <Limit of={m} />}
      <Routes of={m} />
      <LineSays of={m} />
      <Days of={m} />
      {!m.unlimited && mayManage && <Reserve of={m} />}
      {!m.unlimited && (
        <Text size="sm" c="dimmed">
          {t("delivery.quota.told")}
        </Text>
      )}
    </>
  );
}

// Trouble says that messages wait, what becomes of them, and when it goes on.
function Trouble({ of: m }: { of: Month }) {
  const { t } = useTranslation();
  const { count, moment } = useFormat();
  const { mayChange, path } = usePlace();
  const client = useQueryClient();
  const check = useAction(async (_: undefined, headers) => {
    await read(
      api.POST("/merchants/{merchant}/channels/{channel}/quota/check", { params: { path }, headers }),
    );
    await client.invalidateQueries({ queryKey: ["quota"] });
    await client.invalidateQueries({ queryKey: ["home"] });
  });
  const level = levelOf(m);
  if (level === "fine") return null;
  const waiting = m.waiting + m.waiting_broadcasts;
  return (
    <Alert
      color={level === "none" ? "red" : "yellow"}
      variant="light"
      icon={<IconAlertTriangle stroke={1.5} />}
      role="status"
      title={t(`delivery.quota.level.${level}`, { left: count(m.left), limit: count(m.limit) })}
    >
      <Stack gap="xs">
        {waiting > 0 && (
          <Text size="sm">
            {t("delivery.quota.wait", { count: waiting, n: count(waiting) })}{" "}
            {m.blocked_at && t("delivery.quota.since", { time: moment(m.blocked_at) })}
          </Text>
        )}
        {m.waiting > 0 && (
          <Text size="sm">{t("delivery.quota.drop", { h: Math.round(m.too_late_seconds / 3600) })}</Text>
        )}
        {level !== "low" && (
          <Text size="sm">
            {t("delivery.quota.recover", { time: m.renews_at ? moment(m.renews_at) : "-" })}
          </Text>
        )}
        {level !== "low" && mayChange && (
          <Result of={check} what="delivery.quota.notAsked" done="delivery.quota.askedAt">
            <Button size="xs" variant="default" onClick={() => check.run(undefined)} loading={check.busy}>
              {t("delivery.quota.ask")}
            </Button>
          </Result>
        )}
      </Stack>
    </Alert>
  );
}

// NoLimit is the month of an account that may send as much as it likes. Where nothing is left to
// reckon with, our count is not held against LINE's: the larger one is nearer to the truth.
function NoLimit({ of: m }: { of: Month }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  return <Numbers left={t("quota.unlimited")} used={count(Math.max(m.used, m.line))} forecast={m.forecast} />;
}

type NumbersProps = { left: string; used: string; reserve?: string; forecast?: number };

// Numbers are the month's figures, each with what it counts.
function Numbers({ forecast, ...known }: NumbersProps) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const numbers = Object.entries({ ...known, forecast: forecast === undefined ? "-" : count(forecast) });
  return (
    <SimpleGrid cols={{ base: 2, md: numbers.length }}>
      {numbers.map(([of, n]) => (
        <Card key={of}>
          <Text size="sm" c="dimmed">
            {t(`delivery.quota.of.${of}`)}
          </Text>
          <Text fz={24} fw={600} data-testid={`quota-${of}`}>
            {n}
          </Text>
          {of === "forecast" && forecast === undefined && (
            <Text size="xs" c="dimmed">
              {t("delivery.quota.noForecast")}
            </Text>
          )}
        </Card>
      ))}
    </SimpleGrid>
  );
}

function Limit({ of: m }: { of: Month }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const { used, over } = counted(m);
  const name = (of: string) => t(`delivery.quota.of.${of}`);
  return (
    <>
      <Numbers
        left={count(m.left)}
        used={t("delivery.quota.ofLimit", { n: count(used), limit: count(m.limit) })}
        reserve={count(m.reserve)}
        forecast={m.forecast}
      />
      {over > 0 && (
        <Text size="sm" role="note">
          {t("delivery.quota.over", { count: over, n: count(over), all: count(m.used) })}
        </Text>
      )}
      <Chart
        title={t("delivery.quota.chart", { used: count(used), limit: count(m.limit) })}
        unit={t("delivery.quota.unit")}
        columns={["used", "held", "reserve", "limit", "forecast"].map(name)}
        rows={[
          [
            count(used),
            count(m.held),
            count(m.reserve),
            count(m.limit),
            m.forecast ? count(m.forecast) : "-",
          ],
        ]}
        height={72}
      >
        <Bullet
          bar={{ name: name("used"), color: "var(--lumo-chart-1)", at: used }}
          bands={[
            {
              name: name("free"),
              color: "var(--lumo-line)",
              at: Math.max(m.limit - m.reserve, 0),
              n: m.left_for_broadcasts,
            },
            { name: name("reserve"), color: "var(--lumo-held-tint)", at: m.limit, n: m.reserve },
          ]}
          target={
            m.forecast ? { name: name("forecast"), color: "var(--lumo-chart-5)", at: m.forecast } : undefined
          }
        />
      </Chart>
    </>
  );
}

// LineSays explains why LINE's figure is another one than ours.
function LineSays({ of: m }: { of: Month }) {
  const { t } = useTranslation();
  const { count, moment } = useFormat();
  const now = useNow();
  if (!m.read_at) return <Text size="sm">{t("delivery.quota.neverRead")}</Text>;
  const stale = now - Date.parse(m.read_at) > old;
  return (
    <Stack gap={4}>
      <Text size="sm">
        {t("delivery.quota.lineSays", { a: count(m.line), b: count(m.sent), time: moment(m.read_at) })}
      </Text>
      {stale && (
        <Text size="sm" c="var(--lumo-held)" component="div">
          {t("delivery.quota.stale")} <When at={m.read_at} full />
        </Text>
      )}
    </Stack>
  );
}

// Routes are the month's messages by the way they went, with those that Lumo did not send.
function Routes({ of: m }: { of: Month }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const sum = (route: string) => m.days.reduce((n, d) => (d.route === route ? n + d.count : n), 0);
  const rows = [
    ...routes.filter((r) => r !== "reply").map((r) => ({ name: t(`delivery.route.${r}`), value: sum(r) })),
    ...(m.outside === undefined ? [] : [{ name: t("delivery.quota.outside"), value: m.outside }]),
    { name: t("delivery.route.reply"), value: sum("reply") },
  ].filter((r) => r.value > 0);
  if (rows.length === 0) return null;
  const title = t("delivery.quota.byRoute");
  return (
    <Card component="section" aria-label={title}>
      <Text fw={600}>{title}</Text>
      <Text size="xs" c="dimmed" mb="xs">
        {t("delivery.quota.unit")}
      </Text>
      <Bars of={rows.map(({ name, value }) => ({ name, n: value, text: count(value) }))} />
    </Card>
  );
}

function Days({ of: m }: { of: Month }) {
  const { t } = useTranslation();
  const { day, count, zone } = useFormat();
  const now = dayIn(zone, Date.now());
  const days = [...new Set(m.days.map((d) => d.day))];
  const used = routes.filter((r) => m.days.some((d) => d.route === r));
  const n = (of: string, route: string) => m.days.find((d) => d.day === of && d.route === route)?.count ?? 0;
  if (days.length === 0) return <Text size="sm">{t("delivery.quota.nothing")}</Text>;
  return (
    <Chart
      title={t("delivery.quota.byDay")}
      unit={t("delivery.quota.unit")}
      unfinished={days.includes(now)}
      columns={[t("statistics.day"), ...used.map((r) => t(`delivery.route.${r}`))]}
      rows={days.map((d) => [d, ...used.map((r) => count(n(d, r)))])}
    >
      <BarChart
        h={240}
        type="stacked"
        dataKey="day"
        barChartProps={{ accessibilityLayer: false }}
        data={days.map((d) => ({
          day: day(`${d}T12:00:00Z`),
          unfinished: d === now,
          ...Object.fromEntries(used.map((r) => [t(`delivery.route.${r}`), n(d, r)])),
        }))}
        series={used.map((r) => ({
          name: t(`delivery.route.${r}`),
          color: `var(--lumo-chart-${routes.indexOf(r) + 1})`,
        }))}
      />
    </Chart>
  );
}

// Reserve sets how much of the month is kept for flow messages.
function Reserve({ of: m }: { of: Month }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const rules = useRules();
  const save = useSaveRules();
  const [chosen, choose] = useState<number>();
  if (!rules.data) return null;
  const percent = chosen ?? rules.data.value.reserve_percent;
  const before = Math.floor((m.limit * rules.data.value.reserve_percent) / 100);
  const flows = Math.max(0, before - m.reserve); // of the reserve, gone out already
  const kept = Math.max(0, Math.floor((m.limit * percent) / 100) - flows);
  return (
    <Section title={t("delivery.quota.reserve")}>
      <Card>
        <Stack gap="md">
          <Text size="sm">{t("delivery.quota.reserveWhy")}</Text>
          <Group align="center" wrap="wrap">
            <Slider
              thumbLabel={t("delivery.quota.reserve")}
              value={percent}
              onChange={choose}
              min={0}
              max={90}
              step={5}
              label={(v) => `${v} %`}
              flex={1}
              miw={220}
              maw={420}
            />
            <Text size="sm" fw={600}>
              {percent} %
            </Text>
          </Group>
          <Text size="sm" role="status">
            {t("delivery.quota.effect", { kept: count(kept), free: count(Math.max(0, m.left - kept)) })}
          </Text>
          <Result of={save} what="delivery.rules.notSaved">
            <Button
              onClick={() => save.run({ reserve_percent: percent })}
              loading={save.busy}
              disabled={percent === rules.data.value.reserve_percent}
            >
              {t("delivery.quota.saveReserve")}
            </Button>
          </Result>
        </Stack>
      </Card>
    </Section>
  );
}
