import { Anchor, Button, Group, Popover, Progress, Stack, Text, VisuallyHidden } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconAlertTriangle, IconCheck, IconPlugConnectedX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, read, type Schema } from "../api";
import { levelOf, useMonth } from "../delivery/useMonth";
import { phone, State, useFormat, When } from "../parts";
import { usePlace } from "../place";

type Line = { key: string; name: string; state: string; since?: string | null; to?: string };

const worst = ["off", "reconnect", "needs_you", "working"];

// linesOf are all things that must work, each with its state.
export function linesOf(c: Schema<"ConnectionsView">, shop: string, edges: string): Line[] {
  const at = `${shop}/settings`;
  return [
    ...c.line.map((l) => ({
      key: l.id,
      name: l.name,
      state: l.state,
      since: l.since,
      to: `${at}/connections`,
    })),
    {
      key: "klaviyo",
      name: "Klaviyo",
      state: c.klaviyo?.state ?? "off",
      since: c.klaviyo?.since,
      to: `${at}/klaviyo`,
    },
    { key: "edges", name: edges, state: c.edges.state, since: c.edges.since },
  ];
}

// worstOf is the state that the chip shows.
export const worstOf = (lines: Line[]) => worst.find((s) => lines.some((l) => l.state === s)) ?? "working";

export function useConnections() {
  const { merchant } = usePlace();
  return useQuery({
    queryKey: ["connection", merchant.id],
    queryFn: () =>
      read(api.GET("/merchants/{merchant}/connections", { params: { path: { merchant: merchant.id } } })),
  });
}

// Health is the worst of everything that must work; it opens the whole list. On phones it says
// what is left of the month, too.
export function Health() {
  const { t } = useTranslation();
  const { shop } = usePlace();
  const all = useConnections();
  const small = useMediaQuery(phone);
  const quotaText = useQuotaText();
  const month = useMonth().data;
  if (!all.data) return null;
  const lines = linesOf(all.data, shop, t("connection.edges"));
  const state = worstOf(lines);
  const bad = lines.filter((l) => l.state !== "working").length;
  const level = small && month ? levelOf(month) : "fine"; // a phone has one place for both
  const Icon =
    state === "working" && level === "fine"
      ? IconCheck
      : state === "working" || state === "needs_you"
        ? IconAlertTriangle
        : IconPlugConnectedX;
  const text = state === "working" ? t("health.good") : t("health.bad", { count: bad, n: bad });
  const left = small ? quotaText() : undefined;
  return (
    <Popover position="bottom-end" withArrow shadow="md" trapFocus>
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon size={14} aria-hidden="true" />}
          c={state === "working" ? (levels[level] ?? "var(--lumo-good)") : "var(--lumo-bad)"}
          style={{ flexShrink: 0 }}
        >
          {left && state === "working" ? left : left ? `${left} · ${text}` : text}
        </Button>
      </Popover.Target>
      <Popover.Dropdown maw="calc(100vw - 24px)">
        <Stack gap="sm" role="group" aria-label={t("health.list")}>
          {small && <Quota />}
          {lines.map((l) => (
            <Group key={l.key} justify="space-between" wrap="nowrap">
              <div>
                <Text size="sm">{l.name}</Text>
                {l.since && (
                  <Text size="xs" c="dimmed">
                    {t("health.since")} <When at={l.since} />
                  </Text>
                )}
              </div>
              <Group gap="xs" wrap="nowrap">
                <State of={l.state} words="connection.state" />
                {l.to && l.state !== "working" && (
                  <Anchor component={Link} to={l.to} size="sm">
                    {t("health.fix")}
                  </Anchor>
                )}
              </Group>
            </Group>
          ))}
          <Anchor component={Link} to={`${shop}/settings/connections`} size="sm">
            {t("health.all")}
          </Anchor>
        </Stack>
      </Popover.Dropdown>
      <VisuallyHidden role="status">{text}</VisuallyHidden>
    </Popover>
  );
}

// useQuotaText says in a few words what is left; nothing where it is not known.
function useQuotaText() {
  const { t } = useTranslation();
  const { count } = useFormat();
  const month = useMonth();
  return () => {
    const m = month.data;
    if (!m?.read_at) return undefined;
    return m.unlimited ? t("quota.unlimited") : t("quota.left", { count: m.left, n: count(m.left) });
  };
}

const levels = {
  fine: undefined,
  low: "var(--lumo-held)",
  reserve: "var(--lumo-bad)",
  none: "var(--lumo-bad)",
} as const;

// Quota says how many messages are left this month, and leads to its page.
export function Quota() {
  const { base } = usePlace();
  const { count, moment } = useFormat();
  const { t } = useTranslation();
  const text = useQuotaText()();
  const m = useMonth().data;
  if (!m || !text) return null;
  const color = levels[levelOf(m)];
  const share = (n: number) => (m.limit ? (n / m.limit) * 100 : 0);
  return (
    <Anchor
      component={Link}
      to={`${base}/quota`}
      underline="hover"
      c={color ?? "var(--mantine-color-text)"}
      size="sm"
      style={{ whiteSpace: "nowrap" }}
      title={
        m.unlimited
          ? undefined
          : t("quota.of", {
              used: count(m.line),
              limit: count(m.limit),
              time: m.read_at ? moment(m.read_at) : "-",
            })
      }
    >
      <Group gap={6} wrap="nowrap">
        {text}
        {!m.unlimited && (
          <Progress.Root w={64} aria-hidden="true">
            <Progress.Section value={share(m.used)} color={color ?? "var(--lumo-accent)"} />
            <Progress.Section value={share(Math.min(m.reserve, m.left))} color="var(--lumo-held-tint)" />
          </Progress.Root>
        )}
      </Group>
    </Anchor>
  );
}
