import { Alert, Anchor, Button, Card, Group, NumberInput, SimpleGrid, Stack, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, call, get, read, type Schema } from "../api";
import {
  Bars,
  Bullet,
  Chart,
  Failed,
  LineChart,
  Loading,
  Page,
  Result,
  useAction,
  useFormat,
  When,
} from "../parts";
import { usePlace } from "../place";
import { Unlinking } from "./Unlinking";

type View = Schema<"HealthView">;
type Step = { name: string; n?: number };

// Health says how many reachable friends are linked, and where people are lost on the way.
export function Health() {
  const { t } = useTranslation();
  const { at, channel, merchant } = usePlace();
  const health = useQuery({
    queryKey: ["linking", "health", channel?.id],
    queryFn: () => get<View>(`${at}/linking`),
  });
  const klaviyo = useQuery({
    queryKey: ["connection", "klaviyo"],
    queryFn: () => get<Schema<"KlaviyoView">>(`/merchants/${merchant.id}/klaviyo`),
  });
  if (health.isPending) return <Loading page={t("linking.title")} />;
  if (health.error)
    return (
      <Failed
        page={t("linking.title")}
        error={health.error}
        again={() => health.refetch()}
        what="linking.failed"
      />
    );
  const off = klaviyo.data && klaviyo.data.state !== "working";
  return (
    <Page title={t("linking.title")} lead={`${t("linking.lead")} ${t("linking.whyLinked")}`}>
      {off && (
        <Alert color="yellow" role="status">
          {t("linking.klaviyoOff")} {klaviyo.data?.since && <When at={klaviyo.data.since} full />}
        </Alert>
      )}
      <Goal of={health.data} />
      <NotLinked n={health.data.reachable - health.data.linked} />
      <NeedsReview n={health.data.review} />
      {health.data.methods.length === 0 ? <Start /> : <Methods of={health.data} />}
      <Days of={health.data} />
      <Unlinking />
    </Page>
  );
}

function Goal({ of }: { of: View }) {
  const { t } = useTranslation();
  const { count, rate } = useFormat();
  const { at, mayChange } = usePlace();
  const client = useQueryClient();
  const [goal, setGoal] = useState<number>(of.goal_percent);
  const save = useAction(async () => {
    const now = await get<Schema<"LinkingView">>(`${at}/linking/settings`);
    await call("PUT", `${at}/linking/settings`, { goal_percent: goal, unlink_words: now.unlink_words });
    await client.invalidateQueries({ queryKey: ["linking", "health"] });
  });
  const target = Math.ceil((of.reachable * of.goal_percent) / 100);
  const title = t("linking.goal.sentence", { n: count(of.linked), all: count(of.reachable) });
  return (
    <Stack gap="xs">
      <Chart
        title={title}
        unit={of.reachable >= 20 ? (rate(of.linked, of.reachable) ?? "") : t("linking.goal.few")}
        columns={[t("linking.goal.linked"), t("linking.goal.reachable"), t("linking.goal.goal")]}
        rows={[[count(of.linked), count(of.reachable), count(target)]]}
        height={60}
      >
        <Bullet
          bar={{ name: t("linking.goal.linked"), color: "var(--lumo-chart-1)", at: of.linked }}
          bands={[
            {
              name: t("linking.goal.reachable"),
              color: "var(--lumo-line)",
              at: Math.max(of.reachable, 1),
              n: of.reachable,
            },
          ]}
          target={{ name: t("linking.goal.goal"), color: "var(--lumo-chart-5)", at: target }}
        />
      </Chart>
      {mayChange && (
        <Result of={save} what="linking.goal.failed">
          <NumberInput
            label={t("linking.goal.own")}
            value={goal}
            min={1}
            max={100}
            w={140}
            onChange={(v) => setGoal(Number(v) || 1)}
          />
          <Button variant="default" mt="lg" onClick={() => save.run()} loading={save.busy}>
            {t("linking.goal.save")}
          </Button>
        </Result>
      )}
    </Stack>
  );
}

function NotLinked({ n }: { n: number }) {
  const { t } = useTranslation();
  const { base, mayChange } = usePlace();
  const { count } = useFormat();
  if (n <= 0) return null;
  return (
    <Stack gap="xs">
      <Text>
        {t("linking.notLinked", { count: n, n: count(n) })}{" "}
        <Anchor component={Link} to={`${base}/friends?linked=no&state=following`}>
          {t("linking.notLinkedOpen")}
        </Anchor>
      </Text>
      {mayChange && <Invite />}
    </Stack>
  );
}

// Invite leads to the code for Klaviyo's emails: the one there is, else a new one.
function Invite() {
  const { t } = useTranslation();
  const { path, base } = usePlace();
  const codes = useQuery({
    queryKey: ["linking", "codes", path.channel],
    queryFn: () => read(api.GET("/merchants/{merchant}/channels/{channel}/qr_codes", { params: { path } })),
  });
  const ready = codes.data?.items.find((c) => c.state === "live" && c.identify_by === "profile");
  return (
    <Group gap="sm">
      <Button component={Link} to={`${base}/linking/qr/${ready?.id ?? "new"}`} disabled={codes.isPending}>
        {t("linking.invite")}
      </Button>
      <Text size="sm" c="dimmed">
        {t("linking.inviteHow")}
      </Text>
    </Group>
  );
}

function NeedsReview({ n }: { n: number }) {
  const { t } = useTranslation();
  const { base } = usePlace();
  const { count } = useFormat();
  return (
    <Text>
      {n === 0 ? (
        t("linking.review.none")
      ) : (
        <Anchor component={Link} to={`${base}/linking/review`}>
          {t("linking.review.count", { count: n, n: count(n) })}
        </Anchor>
      )}
    </Text>
  );
}

// Start is shown while no method is in use: the recommended one first.
function Start() {
  const { t } = useTranslation();
  const { base } = usePlace();
  return (
    <SimpleGrid cols={{ base: 1, sm: 3 }}>
      {["qr", "forms", "import"].map((way) => (
        <Card key={way} withBorder>
          <Stack gap="xs">
            <Text fw={600}>{t(`linking.start.${way}`)}</Text>
            <Text size="sm">{t(`linking.start.${way}Text`)}</Text>
            <Button
              component={Link}
              to={`${base}/linking/${way}`}
              variant={way === "qr" ? "filled" : "default"}
            >
              {t(`linking.start.${way}Open`)}
            </Button>
          </Stack>
        </Card>
      ))}
    </SimpleGrid>
  );
}

function Methods({ of }: { of: View }) {
  const { t } = useTranslation();
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      {of.methods.map((m) => (
        <Funnel
          key={m.method}
          title={t(`linking.method.${m.method}`)}
          steps={[
            { name: "invited", n: m.invited },
            { name: "scanned", n: m.scanned },
            { name: "friends", n: m.friends },
            { name: "linked", n: m.linked },
          ]}
        />
      ))}
    </SimpleGrid>
  );
}

// Funnel shows how many got how far, and after which step most are lost.
export function Funnel({ title, steps }: { title: string; steps: Step[] }) {
  const { t } = useTranslation();
  const { count, rate } = useFormat();
  const known = steps.filter((s) => s.n !== undefined) as { name: string; n: number }[];
  let lost = "";
  let worst = 0;
  for (const [i, s] of known.entries()) {
    const next = known[i + 1];
    if (next && s.n - next.n > worst) [worst, lost] = [s.n - next.n, s.name];
  }
  return (
    <Card withBorder component="section" aria-label={title}>
      <Text fw={600}>{title}</Text>
      <Bars
        of={steps.map(({ name, n }) => ({
          name: t(`linking.step.${name}`),
          n,
          text: n === undefined ? `- ${t("linking.step.unknown")}` : count(n),
        }))}
      />
      {worst > 0 && (
        <Text size="sm" c="dimmed">
          {t("linking.step.lost", { step: t(`linking.step.${lost}`), n: count(worst) })}
          {known[0] && known[0].n >= 20 && ` ${rate(known.at(-1)?.n ?? 0, known[0].n)}`}
        </Text>
      )}
    </Card>
  );
}

function Days({ of }: { of: View }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  return (
    <Chart
      title={t("linking.days.sentence")}
      unit={t("linking.days.unit")}
      columns={[t("linking.day"), t("linking.goal.linked")]}
      rows={of.days.map((d) => [d.day, count(d.linked)])}
    >
      <LineChart
        h={240}
        data={of.days.map((d) => ({ day: d.day, linked: d.linked }))}
        dataKey="day"
        series={[{ name: "linked", label: t("linking.goal.linked"), color: "var(--lumo-chart-1)" }]}
        withDots={false}
        curveType="linear"
      />
    </Chart>
  );
}
