import { Card, Grid, Group, Stack, Text, Timeline, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { type Entry, type FriendDetail, get, type List } from "../api";
import { Failed, Loading, useReason, When } from "../parts";
import { usePlace } from "../shell";

// FriendPage says what happened to one person, newest first, and whether Klaviyo has it.
export function FriendPage() {
  const { t } = useTranslation();
  const { friend: id } = useParams();
  const { at, merchant } = usePlace();
  const friend = useQuery({
    queryKey: ["friend", id],
    queryFn: () => get<FriendDetail>(`${at}/friends/${id}`),
  });
  const timeline = useQuery({
    queryKey: ["friend", id, "timeline"],
    queryFn: () => get<List<Entry>>(`${at}/friends/${id}/timeline`),
  });
  if (friend.isPending) return <Loading />;
  if (friend.error)
    return <Failed error={friend.error} again={() => friend.refetch()} what="friend.failed" />;
  const f = friend.data;
  const facts: [string, React.ReactNode][] = [
    ["friend.state", t(`follow.${f.follow_status}`)],
    [
      "friend.consent",
      <>
        {t(`consent.${f.consent}`)} {f.consent_at && <When at={f.consent_at} timeZone={merchant.time_zone} />}
      </>,
    ],
    [
      "friend.linked",
      f.link
        ? t("friend.linkOf", { profile: f.link.profile_id, assurance: t(`assurance.${f.link.assurance}`) })
        : t("friend.notLinked"),
    ],
    ["friend.lastSent", <When key="s" at={f.last_sent_at} timeZone={merchant.time_zone} />],
    ["friend.lastClicked", <When key="c" at={f.last_clicked_at} timeZone={merchant.time_zone} />],
  ];
  return (
    <Grid>
      <Grid.Col span={{ base: 12, sm: 4 }}>
        <Card withBorder>
          <Stack gap="xs">
            <Title order={1} size={20}>
              {f.name || t("friend.noName")}
            </Title>
            {facts.map(([key, value]) => (
              <div key={key}>
                <Text size="sm" c="dimmed">
                  {t(key)}
                </Text>
                <Text size="sm">{value}</Text>
              </div>
            ))}
            {!f.link && <Text size="sm">{t("friend.onlyLinked")}</Text>}
          </Stack>
        </Card>
      </Grid.Col>
      <Grid.Col span={{ base: 12, sm: 8 }}>
        <Title order={2} size="h5" mb="sm">
          {t("friend.timeline")}
        </Title>
        {timeline.error && (
          <Failed error={timeline.error} again={() => timeline.refetch()} what="friend.failed" />
        )}
        {timeline.data && <Entries items={timeline.data.items} zone={merchant.time_zone} />}
      </Grid.Col>
    </Grid>
  );
}

function Entries({ items, zone }: { items: Entry[]; zone: string }) {
  const { t } = useTranslation();
  const reason = useReason();
  return (
    <Timeline bulletSize={14} lineWidth={2}>
      {items.map((entry) => (
        <Timeline.Item key={entry.id} title={t(`event.${entry.kind}`)}>
          <Group gap="xs">
            <Text size="sm" c="dimmed">
              <When at={entry.at} timeZone={zone} />
            </Text>
            <Text size="sm" c="dimmed">
              {t(`recorded.${entry.recorded}`)}
            </Text>
          </Group>
          {typeof entry.data.reason === "string" && (
            <Text size="sm">{reason(entry.data.reason, entry.data)}</Text>
          )}
        </Timeline.Item>
      ))}
    </Timeline>
  );
}
