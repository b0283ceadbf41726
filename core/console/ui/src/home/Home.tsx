import { Anchor, Button, Card, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, get, type Home } from "../api";
import { useLiveEvent, useLiveState } from "../live";
import { Failed, Loading, Page, Section, Trend, useFormat } from "../parts";
import { usePlace } from "../place";
import { RunBox } from "../run/RunBox";
import { isOpen, useRecentRuns } from "../run/useRuns";
import { query } from "../statistics/Behind";
import { today } from "../statistics/days";
import { Attention } from "./Attention";
import { Feed } from "./Feed";
import { useHiding } from "./hiding";
import { Steps } from "./Steps";
import { useThrottle } from "./useThrottle";

const lookAgain = 60_000; // ms; some things need a person because time passed

// What may change what needs attention, or a step; numbers and feed come by themselves.
const touching = [
  "connection",
  "review",
  "sending",
  "link",
  "run",
  "flow_request",
  "delivery.state",
] as const;

// HomePage answers: is everything all right, and what happens now.
export function HomePage() {
  const { t } = useTranslation();
  const { at, channel, merchant } = usePlace();
  const client = useQueryClient();
  const home = useQuery({
    queryKey: ["home", channel?.id],
    queryFn: () => get<Home>(`${at}/home`),
    enabled: !!channel,
    refetchInterval: lookAgain,
  });
  const read = useThrottle(() => client.invalidateQueries({ queryKey: ["home", channel?.id] }), 2000);
  useLiveEvent(touching, read);
  if (home.isPending) return <Loading />;
  if (home.error && !home.data)
    return (
      <Failed page={t("menu.home")} error={home.error} again={() => home.refetch()} what="home.loadFailed" />
    );
  const h = home.data;
  return (
    <Page
      title={t("menu.home")}
      lead={t("home.zone", { zone: merchant.time_zone })}
      actions={<Shown of={h} />}
    >
      <Attention of={h} />
      <FirstSteps of={h} />
      <Now />
      <Tiles of={h} />
      <People of={h} />
      <Feed of={h} />
    </Page>
  );
}

// FirstSteps stay until they are done or hidden; those that are done while somebody looks stay
// for this visit, so that she sees the last one turn green.
function FirstSteps({ of: h }: { of: Home }) {
  const begun = useRef(false);
  if (h.checklist.some((s) => !s.done)) begun.current = true;
  if (h.checklist_hidden || !begun.current) return null;
  return <Steps of={h.checklist} hideable />;
}

// Shown brings hidden steps back.
function Shown({ of: h }: { of: Home }) {
  const { t } = useTranslation();
  const hiding = useHiding();
  if (!h.checklist_hidden || h.checklist.every((s) => s.done)) return null;
  return (
    <Button variant="default" size="xs" onClick={() => hiding.set(false)}>
      {t("home.showSteps")}
    </Button>
  );
}

// Now is the work that goes on for this shop, whoever started it.
function Now() {
  const { t } = useTranslation();
  const runs = useRecentRuns();
  const going = (runs.data ?? []).filter(isOpen);
  if (going.length === 0) return null;
  return (
    <Card withBorder>
      <Section title={t("home.now")}>
        {going.map((r) => (
          <RunBox key={r.id} of={r} title={t([`run.kind.${r.kind}`, "run.kind.other"])} />
        ))}
      </Section>
    </Card>
  );
}

// Tiles are what happened today, hour by hour.
function Tiles({ of: h }: { of: Home }) {
  const { t } = useTranslation();
  const { base, merchant } = usePlace();
  const { count, rate } = useFormat();
  const { connected } = useLiveState();
  const day = today(merchant.time_zone);
  const figure = connected ? "figure" : "figure stale";
  const clicked = rate(h.today.clicked, h.today.sent);
  const tiles = [
    { key: "sent", n: h.today.sent, hours: h.hours.sent, note: t("home.sentWhat") },
    { key: "clicked", n: h.today.clicked, hours: h.hours.clicked, note: clicked },
    { key: "linkedToday", n: h.today.linked, hours: h.hours.linked },
    { key: "notSent", n: h.today.not_sent, hours: h.hours.not_sent, reasons: true },
  ];
  const rest = (["checking", "failed"] as const).filter((key) => h.today[key] > 0);
  return (
    <Section title={t("home.today")}>
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        {tiles.map((tile) => (
          <Card withBorder key={tile.key} p="sm">
            <Text size="sm" c="dimmed">
              {t(`home.${tile.key}`)}
            </Text>
            <Text className={figure} data-testid={`today-${tile.key}`}>
              {count(tile.n)}
            </Text>
            {tile.note && (
              <Text size="xs" c="dimmed">
                {tile.note}
              </Text>
            )}
            {tile.n > 0 && <Trend data={tile.hours} />}
            {tile.reasons && tile.n > 0 && (
              <Anchor
                component={Link}
                to={`${base}/statistics/people/not_sent?${query({ from: day, to: day })}`}
                size="sm"
              >
                {t("home.reasons")}
              </Anchor>
            )}
          </Card>
        ))}
      </SimpleGrid>
      {rest.length > 0 && (
        <Group gap="md">
          {rest.map((key) => (
            <Text size="sm" key={key}>
              {t(`home.also.${key}`, { count: h.today[key], n: count(h.today[key]) })}
            </Text>
          ))}
        </Group>
      )}
      {h.today.sent === 0 && h.today.not_sent === 0 && (
        <Text size="sm" c="dimmed">
          {t("home.nothingToday")}
        </Text>
      )}
    </Section>
  );
}

// People is who can be reached: linked ones are counted among the friends.
function People({ of: h }: { of: Home }) {
  const { t } = useTranslation();
  const { base } = usePlace();
  const { count, rate } = useFormat();
  const { connected } = useLiveState();
  const share = rate(h.linked, h.friends);
  return (
    <Card withBorder p="sm" className={connected ? undefined : "stale"}>
      <Group gap="lg">
        <Anchor component={Link} to={`${base}/friends`} size="sm">
          {t("home.friendsNow", { count: h.friends, n: count(h.friends) })}
        </Anchor>
        <Text size="sm" c="dimmed">
          {t("home.change", { n: h.change > 0 ? `+${count(h.change)}` : count(h.change) })}
        </Text>
        <Text size="sm">
          {t("home.linkedNow", { n: count(h.linked) })}
          {share && ` · ${share}`}
        </Text>
        <Text size="sm">{t("home.blockedMonth", { n: count(h.blocked_month) })}</Text>
      </Group>
    </Card>
  );
}

// Start is Home before there is a LINE account: the first steps.
export function Start() {
  const { t } = useTranslation();
  const { merchant } = usePlace();
  const connections = useQuery({
    queryKey: ["connection", merchant.id],
    queryFn: async () =>
      (await api.GET("/merchants/{merchant}/connections", { params: { path: { merchant: merchant.id } } }))
        .data,
  });
  if (connections.isPending) return <Loading />;
  const klaviyo = !!connections.data?.klaviyo && connections.data.klaviyo.state !== "off";
  return (
    <Page title={t("menu.home")} lead={t("home.zone", { zone: merchant.time_zone })}>
      <Steps
        of={[
          { step: "line", done: false },
          { step: "klaviyo", done: klaviyo },
          { step: "link_yourself", done: false },
          { step: "test_message", done: false },
          { step: "first_flow", done: false },
        ]}
      />
      <Stack gap={4}>
        <Title order={2} size="h5">
          {t("home.today")}
        </Title>
        <Text size="sm" c="dimmed">
          {t("home.nothingYet")}
        </Text>
      </Stack>
    </Page>
  );
}
