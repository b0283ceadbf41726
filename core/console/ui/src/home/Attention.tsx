import { Button, Card, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Home } from "../api";
import { CheckFlow } from "../flow/Findings";
import { Section, useFormat } from "../parts";
import { usePlace } from "../place";

type Notice = Home["attention"][number];
type Cure = { text: string; of: "shop" | "account"; paths: string[]; query?: string };

// Where each notice's one button leads: the first of the paths that has a screen.
const cures: Record<string, Cure> = {
  line_needs_you: { text: "home.cure.line", of: "shop", paths: ["settings/line"] },
  edges_off: { text: "home.cure.connections", of: "shop", paths: ["settings/connections"] },
  quota_used: { text: "home.cure.quota", of: "account", paths: ["quota"] },
  quota_reserve: { text: "home.cure.quota", of: "account", paths: ["quota"] },
  quota: { text: "home.cure.quota", of: "account", paths: ["quota"] },
  klaviyo_reconnect: { text: "connection.klaviyo.again", of: "shop", paths: ["settings/klaviyo"] },
  wrong_key: { text: "home.cure.flowSettings", of: "account", paths: ["flows/settings"] },
  draft: { text: "home.cure.doctor", of: "account", paths: ["flows"] },
  silent: { text: "home.cure.doctor", of: "account", paths: ["flows"] },
  late: { text: "reason.next.howToFix", of: "account", paths: ["flows"], query: "?reason=late_event" },
  unlinked: { text: "home.cure.qr", of: "account", paths: ["linking/qr"] },
  unconfirmed: { text: "home.cure.calls", of: "account", paths: ["flows"], query: "?reason=unconfirmed" },
  deliveries_kept: { text: "home.cure.aside", of: "account", paths: ["flows/kept"] },
  hooks_kept: { text: "home.cure.aside", of: "account", paths: ["flows/kept"] },
  klaviyo_kept: { text: "home.cure.kept", of: "account", paths: ["linking/kept"] },
  link_host_lost: { text: "home.cure.tracking", of: "account", paths: ["settings/tracking"] },
  needs_review: { text: "home.cure.review", of: "account", paths: ["linking/review"] },
};

// What the Flow doctor found has its sentence there.
const found = ["wrong_key", "draft", "silent", "late", "unlinked", "quota"];

// Attention is at most five sentences, worst first, each with one button that leads to the cure.
export function Attention({ of: h }: { of: Home }) {
  const { t } = useTranslation();
  const all = h.attention.length + h.attention_more;
  return (
    <Card withBorder>
      <Section title={all > 0 ? t("home.attentionOf", { n: all }) : t("home.attention")}>
        {all === 0 && (
          <Group gap="xs">
            <IconCheck size={18} stroke={1.5} color="var(--lumo-good)" aria-hidden="true" />
            <Text size="sm">{t("home.calm")}</Text>
          </Group>
        )}
        {h.attention.length > 0 && (
          <Stack gap="sm" component="ul" m={0} p={0} style={{ listStyle: "none" }}>
            {h.attention.map((n) => (
              <li key={`${n.code} ${n.flow ?? ""}`}>
                <Row of={n} />
              </li>
            ))}
          </Stack>
        )}
        {h.attention_more > 0 && (
          <Text size="sm" c="dimmed">
            {t("home.attentionMore", { count: h.attention_more, n: h.attention_more })}
          </Text>
        )}
      </Section>
    </Card>
  );
}

function Row({ of: n }: { of: Notice }) {
  const sentence = useSentence();
  return (
    <Group justify="space-between" align="start" gap="sm">
      <Group gap="xs" wrap="nowrap" align="start" flex={1} miw={220}>
        <IconAlertTriangle
          size={18}
          stroke={1.5}
          color="var(--lumo-held)"
          aria-hidden="true"
          style={{ flexShrink: 0, marginTop: 1 }}
        />
        <Text size="sm">{sentence(n)}</Text>
      </Group>
      <CureButton of={n} />
    </Group>
  );
}

// useSentence says in plain words what a notice is about.
function useSentence() {
  const { t, i18n } = useTranslation();
  const { count } = useFormat();
  return (n: Notice): string => {
    const data: Record<string, unknown> = { ...n.data };
    const number = typeof data.n === "number" ? data.n : 0;
    for (const [key, value] of Object.entries(data)) if (typeof value === "number") data[key] = count(value);
    if (found.includes(n.code))
      return t(`flow.finding.${n.code}`, { ...data, name: data.name || n.flow, last4: data.last4 || "-" });
    if (n.code === "link_host_lost") data.why = t(`tracking.host.why.${String(data.reason)}`, data);
    const problem = `connection.problem.${String(data.problem ?? "")}`;
    return t(`home.notice.${n.code}`, {
      ...data,
      count: number,
      problem: i18n.exists(problem) ? t(problem) : t("connection.problem.other"),
    });
  };
}

function CureButton({ of: n }: { of: Notice }) {
  const { t } = useTranslation();
  const { base, shop, exists, mayChange } = usePlace();
  if (mayChange && n.flow && (n.code === "silent" || n.code === "draft")) return <CheckFlow flow={n.flow} />;
  const cure = cures[n.code];
  const path = cure?.paths.find(exists);
  if (!cure || !path) return null;
  return (
    <Button
      size="xs"
      variant="default"
      component={Link}
      to={`${cure.of === "shop" ? shop : base}/${path}${cure.query ?? ""}`}
      style={{ flexShrink: 0 }}
    >
      {t(cure.text)}
    </Button>
  );
}
