import { Button, Card, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schema } from "../api";
import { Failed, Loading, Page, State, useFormat, When } from "../parts";
import { usePlace } from "../place";
import { useConnections } from "../shell/Health";

type CardData = Schema<"CardView">;

// Connections shows what the shop is connected to, each with its state and one next step.
export function Connections() {
  const { t } = useTranslation();
  const { mayManage, shop } = usePlace();
  const all = useConnections();
  if (all.isPending) return <Loading shape="cards" page={t("connection.title")} />;
  if (all.error)
    return (
      <Failed
        page={t("connection.title")}
        error={all.error}
        again={() => all.refetch()}
        what="connection.failed"
      />
    );
  const { klaviyo, line, edges } = all.data;
  const open = (to: string, card?: CardData, text = "connection.open") =>
    mayManage && (
      <Button
        component={Link}
        to={`${shop}/settings/${to}`}
        variant={card?.state === "working" ? "default" : "filled"}
        w="fit-content"
      >
        {t(card && card.state !== "working" ? "connection.repair" : text)}
      </Button>
    );
  return (
    <Page title={t("connection.title")} lead={t("connection.lead")}>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {line.map((card) => (
          <Connected key={card.id} title={`${card.name} ${card.detail ?? ""}`} of={card}>
            {open(`line?step=${card.state === "working" ? "preflight" : "webhook"}&account=${card.id}`, card)}
          </Connected>
        ))}
        <Missing
          title={t(line.length > 0 ? "connection.line.more" : "connection.line.title")}
          text={t("connection.line.why")}
        >
          {mayManage && (
            <Button
              component={Link}
              to={`${shop}/settings/line`}
              variant={line.length > 0 ? "default" : "filled"}
              w="fit-content"
            >
              {t("connection.line.connect")}
            </Button>
          )}
        </Missing>
        {klaviyo ? (
          <Connected title={`Klaviyo: ${klaviyo.name}`} of={klaviyo}>
            {open("klaviyo?step=approve", klaviyo)}
          </Connected>
        ) : (
          <Missing title="Klaviyo" text={t("connection.klaviyo.who")} more={t("connection.klaviyo.campaign")}>
            {open("klaviyo", undefined, "connection.klaviyo.connect")}
          </Missing>
        )}
        <Card component="section" aria-label={t("connection.edges")}>
          <Head title={t("connection.edges")} state={edges.state} />
          <Since at={edges.since} />
        </Card>
      </SimpleGrid>
    </Page>
  );
}

function Head({ title, state }: { title: string; state: string }) {
  return (
    <Group justify="space-between" wrap="nowrap" align="start">
      <Title order={2} style={{ minWidth: 0, overflowWrap: "anywhere" }}>
        {title}
      </Title>
      <State of={state} words="connection.state" />
    </Group>
  );
}

function Since({ at }: { at?: string | null }) {
  const { t } = useTranslation();
  return (
    <Text size="sm" c="dimmed">
      {t("connection.since")} <When at={at} />
    </Text>
  );
}

// Connected is a card: state, since, last good contact, last problem in words, one button.
function Connected({ title, of, children }: { title: string; of: CardData; children: ReactNode }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const waiting = of.waiting_updates ?? 0;
  return (
    <Card component="section" aria-label={title}>
      <Stack gap="xs">
        <Head title={title} state={of.state} />
        <div>
          <Since at={of.since} />
          <Text size="sm" c="dimmed">
            {t("connection.lastContact")} <When at={of.last_contact_at} />
          </Text>
        </div>
        {of.problem_code && (
          <Text size="sm">
            {t(`connection.problem.${of.problem_code}`, { defaultValue: t("connection.problem.other") })}
          </Text>
        )}
        {waiting > 0 && (
          <Text size="sm">{t("connection.klaviyo.waiting", { count: waiting, n: count(waiting) })}</Text>
        )}
        {children}
      </Stack>
    </Card>
  );
}

type MissingProps = { title: string; text: string; more?: string; children: ReactNode };

function Missing({ title, text, more, children }: MissingProps) {
  return (
    <Card component="section" aria-label={title}>
      <Stack gap="xs">
        <Title order={2}>{title}</Title>
        <Text size="sm">{text}</Text>
        {more && (
          <Text size="sm" c="dimmed">
            {more}
          </Text>
        )}
        {children}
      </Stack>
    </Card>
  );
}
