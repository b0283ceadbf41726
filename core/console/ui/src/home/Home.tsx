import { Anchor, Card, Group, List, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { type FeedItem, get, type Home } from "../api";
import { useLiveState } from "../live";
import { Failed, Loading, number, useReason, When } from "../parts";
import { usePlace } from "../shell";

// HomePage answers: is everything all right, and what happens now.
export function HomePage() {
  const { t, i18n } = useTranslation();
  const { at, channel, merchant, base } = usePlace();
  const { connected } = useLiveState();
  const home = useQuery({
    queryKey: ["home", channel?.id],
    queryFn: () => get<Home>(`${at}/home`),
    enabled: !!channel,
  });
  if (home.isPending) return <Loading />;
  if (home.error) return <Failed error={home.error} again={() => home.refetch()} what="home.loadFailed" />;
  const h = home.data;
  const figures: [string, number][] = [
    ["sent", h.today.sent],
    ["clicked", h.today.clicked],
    ["linkedToday", h.today.linked],
    ["notSent", h.today.not_sent],
    ["checking", h.today.checking],
    ["failed", h.today.failed],
  ];
  const open = h.checklist.filter((step) => !step.done);
  return (
    <Stack>
      <div>
        <Title order={1} size={20}>
          {t("menu.home")}
        </Title>
        <Text size="sm" c="dimmed">
          {t("home.zone", { zone: merchant.time_zone })}
        </Text>
      </div>
      <Card withBorder>
        <Title order={2} size="h5">
          {t("home.attention")}
        </Title>
        {h.attention.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t("home.calm")}
          </Text>
        ) : (
          <List size="sm">
            {h.attention.map((n) => (
              <List.Item key={n.code}>
                {t(`home.notice.${n.code}`, { defaultValue: n.code, ...n.data })}
              </List.Item>
            ))}
          </List>
        )}
      </Card>
      {open.length > 0 && (
        <Card withBorder>
          <Title order={2} size="h5">
            {t("home.checklist")}
          </Title>
          <List size="sm">
            {h.checklist.map((step) => (
              <List.Item key={step.step} icon={<span aria-hidden="true">{step.done ? "✓" : "○"}</span>}>
                {t(`home.step.${step.step}`, { defaultValue: step.step })}{" "}
                {step.done ? (
                  <Text span size="sm" c="dimmed">
                    {t("home.done")}
                  </Text>
                ) : null}
              </List.Item>
            ))}
          </List>
        </Card>
      )}
      <section aria-label={t("home.today")}>
        <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
          {figures.map(([key, value]) => (
            <Card withBorder key={key} p="sm">
              <Text size="sm" c="dimmed">
                {t(`home.${key}`)}
              </Text>
              <Text className={connected ? "figure" : "figure stale"} data-testid={`today-${key}`}>
                {number(value, i18n.language)}
              </Text>
            </Card>
          ))}
        </SimpleGrid>
      </section>
      <Text size="sm">
        {t("home.friends", {
          friends: number(h.friends, i18n.language),
          linked: number(h.linked, i18n.language),
          blocked: number(h.blocked_month, i18n.language),
        })}
      </Text>
      <Card withBorder>
        <Group justify="space-between">
          <Title order={2} size="h5">
            {t("home.now")}
          </Title>
          <Anchor component={Link} to={`${base}/flows`} size="sm">
            {t("home.allCalls")}
          </Anchor>
        </Group>
        {h.feed.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t("home.nothingYet")}
          </Text>
        ) : (
          <Stack gap={4} mt="xs">
            {h.feed.map((item) => (
              <Line key={item.id} item={item} base={base} zone={merchant.time_zone} />
            ))}
          </Stack>
        )}
      </Card>
    </Stack>
  );
}

function Line({ item, base, zone }: { item: FeedItem; base: string; zone: string }) {
  const { t } = useTranslation();
  const reason = useReason();
  return (
    <Group gap="sm" wrap="nowrap" align="baseline">
      <Text size="sm" c="dimmed" className="tabular" w={140} style={{ flexShrink: 0 }}>
        <When at={item.at} timeZone={zone} />
      </Text>
      <Text size="sm">
        {t(`event.${item.kind}`)}{" "}
        {item.friend && (
          <Anchor component={Link} to={`${base}/friends/${item.friend.id}`} size="sm">
            {item.friend.name || t("friend.noName")}
          </Anchor>
        )}{" "}
        {typeof item.data.reason === "string" && (
          <Text span size="sm" c="dimmed">
            {reason(item.data.reason, item.data)}
          </Text>
        )}
      </Text>
    </Group>
  );
}
