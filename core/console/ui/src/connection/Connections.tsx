import { Button, Card, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { type Card as CardData, type Connections as ConnectionsData, get } from "../api";
import { Failed, Loading, Page, State, When } from "../parts";
import { usePlace } from "../place";

// Connections shows what the shop is connected to, each with its state and one next step.
export function Connections() {
  const { t } = useTranslation();
  const { merchant, shop } = usePlace();
  const all = useQuery({
    queryKey: ["connection", merchant.id],
    queryFn: () => get<ConnectionsData>(`/merchants/${merchant.id}/connections`),
  });
  const mayChange = merchant.role === "owner" || merchant.role === "admin";
  if (all.isPending) return <Loading />;
  if (all.error) return <Failed error={all.error} again={() => all.refetch()} what="connection.failed" />;
  return (
    <Page title={t("connection.title")}>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Klaviyo card={all.data.klaviyo} mayChange={mayChange} />
        {all.data.line.map((card) => (
          <Connected key={card.id} title={t("connection.line.title")} card={card}>
            {mayChange && (
              <Button
                component={Link}
                to={`${shop}/settings/line?account=${card.id}`}
                variant={card.state === "working" ? "default" : "filled"}
                w="fit-content"
              >
                {t("connection.open")}
              </Button>
            )}
          </Connected>
        ))}
        {mayChange && <ConnectLINE />}
        <Card withBorder>
          <Group justify="space-between">
            <Title order={2} size="h5">
              {t("connection.edges")}
            </Title>
            <State of={all.data.edges.state} words="connection.state" />
          </Group>
        </Card>
      </SimpleGrid>
    </Page>
  );
}

function Connected({ title, card, children }: { title: string; card: CardData; children?: React.ReactNode }) {
  const { t } = useTranslation();
  const { merchant } = usePlace();
  return (
    <Card withBorder>
      <Stack gap="xs">
        <Group justify="space-between">
          <Title order={2} size="h5">
            {title}: {card.name}
          </Title>
          <State of={card.state} words="connection.state" />
        </Group>
        <Text size="sm" c="dimmed">
          {t("connection.lastContact")} <When at={card.last_contact_at} timeZone={merchant.time_zone} />
        </Text>
        {card.problem_code && (
          <Text size="sm">
            {t(`connection.problem.${card.problem_code}`, { defaultValue: t("connection.problem.other") })}
          </Text>
        )}
        {children}
      </Stack>
    </Card>
  );
}

function Klaviyo({ card, mayChange }: { card?: CardData; mayChange: boolean }) {
  const { t } = useTranslation();
  const { shop } = usePlace();
  const button = mayChange && (
    <Button
      component={Link}
      to={`${shop}/settings/klaviyo`}
      variant={card?.state === "working" ? "default" : "filled"}
      w="fit-content"
    >
      {t(card ? "connection.open" : "connection.klaviyo.connect")}
    </Button>
  );
  if (card)
    return (
      <Connected title="Klaviyo" card={card}>
        {button}
      </Connected>
    );
  return (
    <Card>
      <Stack gap="sm">
        <Title order={2}>Klaviyo</Title>
        <Text size="sm">{t("connection.klaviyo.who")}</Text>
        <Text size="sm" c="dimmed">
          {t("connection.klaviyo.campaign")}
        </Text>
        {button}
      </Stack>
    </Card>
  );
}

function ConnectLINE() {
  const { t } = useTranslation();
  const { shop } = usePlace();
  return (
    <Card>
      <Stack gap="sm">
        <Title order={2}>{t("connection.line.title")}</Title>
        <Text size="sm">{t("connection.line.why")}</Text>
        <Button component={Link} to={`${shop}/settings/line`} w="fit-content">
          {t("connection.line.connect")}
        </Button>
      </Stack>
    </Card>
  );
}
