import {
  Alert,
  Button,
  Card,
  Group,
  List,
  PasswordInput,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { type Card as CardData, type Channel, type Connections as ConnectionsData, get, post } from "../api";
import { Failed, Loading, State, When } from "../parts";
import { usePlace } from "../shell";

// Connections shows what the shop is connected to, each with its state and one next step.
export function Connections() {
  const { t } = useTranslation();
  const { merchant } = usePlace();
  const [params] = useSearchParams();
  const all = useQuery({
    queryKey: ["connection", merchant.id],
    queryFn: () => get<ConnectionsData>(`/merchants/${merchant.id}/connections`),
  });
  const mayChange = merchant.role === "owner" || merchant.role === "admin";
  const result = params.get("result");
  if (all.isPending) return <Loading />;
  if (all.error) return <Failed error={all.error} again={() => all.refetch()} what="connection.failed" />;
  return (
    <Stack>
      <Title order={1} size={20}>
        {t("connection.title")}
      </Title>
      {result && (
        <Alert color={result === "connected" ? "green" : "red"} variant="light" role="status">
          {t(`connection.klaviyo.${result}`)}
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Klaviyo card={all.data.klaviyo} mayChange={mayChange} />
        {all.data.line.map((card) => (
          <Connected key={card.id} title={t("connection.line.title")} card={card} />
        ))}
        {all.data.line.length === 0 && mayChange && <ConnectLINE />}
        <Card withBorder>
          <Group justify="space-between">
            <Title order={2} size="h5">
              {t("connection.edges")}
            </Title>
            <State of={all.data.edges.state} words="connection.state" />
          </Group>
        </Card>
      </SimpleGrid>
    </Stack>
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
  const { merchant } = usePlace();
  const [error, setError] = useState<Error>();
  const connect = async () => {
    try {
      const { authorize_url } = await post<{ authorize_url: string }>(
        `/merchants/${merchant.id}/klaviyo/connect`,
      );
      location.assign(authorize_url);
    } catch (e) {
      setError(e as Error);
    }
  };
  const button = mayChange && (
    <Button onClick={connect} variant={card?.state === "working" ? "default" : "filled"} w="fit-content">
      {t(card ? "connection.klaviyo.again" : "connection.klaviyo.connect")}
    </Button>
  );
  if (card)
    return (
      <Connected title="Klaviyo" card={card}>
        {error && <Failed error={error} what="connection.failed" />}
        {button}
      </Connected>
    );
  return (
    <Card withBorder>
      <Stack gap="sm">
        <Title order={2} size="h5">
          Klaviyo
        </Title>
        <Text size="sm">{t("connection.klaviyo.who")}</Text>
        <List size="sm">
          {["profiles", "events", "lists", "flows", "webhooks"].map((scope) => (
            <List.Item key={scope}>{t(`connection.scope.${scope}`)}</List.Item>
          ))}
        </List>
        <Text size="sm" c="dimmed">
          {t("connection.klaviyo.campaign")}
        </Text>
        {error && <Failed error={error} what="connection.failed" />}
        {button}
      </Stack>
    </Card>
  );
}

const fields = [
  "messaging_channel_id",
  "messaging_channel_secret",
  "login_channel_id",
  "login_channel_secret",
] as const;

function ConnectLINE() {
  const { t } = useTranslation();
  const { merchant } = usePlace();
  const client = useQueryClient();
  const [values, setValues] = useState<Record<string, string>>({});
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const channel = await post<Channel>(`/merchants/${merchant.id}/channels`, values);
      await post(`/merchants/${merchant.id}/channels/${channel.id}/webhook`, { replace: false });
      await client.invalidateQueries({ queryKey: ["connection"] });
    } catch (e) {
      setError(e as Error);
    }
    setBusy(false);
  };
  return (
    <Card withBorder component="form" onSubmit={submit}>
      <Stack gap="sm">
        <Title order={2} size="h5">
          {t("connection.line.title")}
        </Title>
        <Text size="sm">{t("connection.line.why")}</Text>
        {error && <Failed error={error} what="connection.line.failed" />}
        {fields.map((name) => {
          const input = {
            label: t(`connection.line.${name}`),
            required: true,
            autoComplete: "off",
            value: values[name] ?? "",
            onChange: (e: React.ChangeEvent<HTMLInputElement>) =>
              setValues({ ...values, [name]: e.currentTarget.value.trim() }),
          };
          return name.endsWith("secret") ? (
            <PasswordInput key={name} {...input} />
          ) : (
            <TextInput key={name} {...input} />
          );
        })}
        <Button type="submit" loading={busy} w="fit-content">
          {t("connection.line.connect")}
        </Button>
        <Text size="sm" c="dimmed">
          {t("connection.line.switch")}
        </Text>
      </Stack>
    </Card>
  );
}
