import { Anchor, Button, Card, Group, Stack, Text } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { FeedItem } from "../api";
import type { LiveHome } from "../live";
import { Section, useFormat, useReason, When } from "../parts";
import { usePlace } from "../place";

const sampledFor = 3000; // ms that the sentence stands after the last line was left out

// Feed is what just happened, newest first. It stands still while somebody points at it or paused
// it; at a high pace it shows a sample, and says so.
export function Feed({ of: h }: { of: LiveHome }) {
  const { t } = useTranslation();
  const { base } = usePlace();
  const { count } = useFormat();
  const [paused, pause] = useState(false);
  const [pointed, point] = useState(false);
  const [kept, keep] = useState<FeedItem[]>();
  const still = paused || pointed;
  if (still && !kept) keep(h.feed);
  if (!still && kept) keep(undefined);
  const rows = kept ?? h.feed;
  const known = new Set(rows.map((r) => r.id));
  const waiting = kept ? h.feed.filter((r) => !known.has(r.id)).length : 0;
  const sampled = useRecent(h.sampled_at);
  return (
    <Card withBorder>
      <Section
        title={t("home.justNow")}
        actions={
          <Group gap="xs">
            {waiting > 0 && (
              <Button size="compact-xs" variant="light" onClick={() => keep(h.feed)}>
                {t("common.fresh", { count: waiting, n: count(waiting) })}
              </Button>
            )}
            {rows.length > 0 && (
              <Button
                size="compact-xs"
                variant="default"
                onClick={() => pause(!paused)}
                aria-pressed={paused}
                leftSection={
                  paused ? (
                    <IconPlayerPlay size={14} aria-hidden="true" />
                  ) : (
                    <IconPlayerPause size={14} aria-hidden="true" />
                  )
                }
              >
                {t(paused ? "home.resumeFeed" : "home.pauseFeed")}
              </Button>
            )}
            <Anchor component={Link} to={`${base}/flows`} size="sm">
              {t("home.allCalls")}
            </Anchor>
          </Group>
        }
      >
        {sampled && (
          <Text size="sm" c="dimmed">
            {t("home.sampled")}
          </Text>
        )}
        {rows.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t("home.nothingYet")}
          </Text>
        ) : (
          <Stack
            gap={4}
            component="ul"
            m={0}
            p={0}
            aria-live="off"
            style={{ listStyle: "none" }}
            onMouseEnter={() => point(true)}
            onMouseLeave={() => point(false)}
            onFocus={() => point(true)}
            onBlur={() => point(false)}
          >
            {rows.map((item) => (
              <li key={item.id}>
                <Line item={item} />
              </li>
            ))}
          </Stack>
        )}
      </Section>
    </Card>
  );
}

// useRecent tells whether a moment is only just past.
function useRecent(at: number | undefined): boolean {
  const [recent, set] = useState(false);
  useEffect(() => {
    if (!at) return;
    set(true);
    const timer = setTimeout(() => set(false), sampledFor);
    return () => clearTimeout(timer);
  }, [at]);
  return recent;
}

function Line({ item }: { item: FeedItem }) {
  const { t } = useTranslation();
  const { base } = usePlace();
  const reason = useReason();
  const about = item.data.message_name ?? item.data.code;
  return (
    <Group gap="xs" align="baseline">
      <Text size="sm" c="dimmed" className="tabular" miw={72}>
        <When at={item.at} />
      </Text>
      <Text size="sm" miw={88}>
        {t(`event.${item.kind}`)}
      </Text>
      <Text size="sm">
        {item.friend && (
          <Anchor component={Link} to={`${base}/friends/${item.friend.id}`} size="sm">
            {item.friend.name || t("friend.noName")}
          </Anchor>
        )}
      </Text>
      {typeof about === "string" && about && (
        <Text size="sm" c="dimmed">
          {t("home.about", { name: about })}
        </Text>
      )}
      {typeof item.data.reason === "string" && (
        <Text size="sm" c="dimmed">
          {reason(item.data.reason, item.data)}
        </Text>
      )}
    </Group>
  );
}
