import { Alert, Button, Card, Group, List, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api, read } from "../api";
import {
  CopyField,
  Failed,
  fieldError,
  Loading,
  Moves,
  Page,
  Result,
  State,
  useAction,
  useFormat,
  Wizard,
} from "../parts";
import { usePlace } from "../place";

const look = 3000; // ms: "Use webhook" is noticed within five seconds

const fields = [
  "messaging_channel_id",
  "messaging_channel_secret",
  "login_channel_id",
  "login_channel_secret",
] as const;
type Keys = Record<(typeof fields)[number], string>;

// LineWizard connects a LINE account: keys, whose they are, events, preflight, own phone.
export function LineWizard() {
  const { t } = useTranslation();
  const { merchant, channels } = usePlace();
  const client = useQueryClient();
  const [params, setParams] = useSearchParams();
  const [keys, setKeys] = useState<Keys>(() => Object.fromEntries(fields.map((f) => [f, ""])) as Keys);
  const named = params.get("account");
  const made = channels.find((c) => c.id === named);
  const path = { merchant: merchant.id };
  const go = (step: string, account = named) => setParams(account ? { step, account } : { step });
  const check = useAction((_: undefined, headers) =>
    read(
      api.POST("/merchants/{merchant}/channels/check", {
        params: { path },
        headers,
        body: {
          messaging_channel_id: keys.messaging_channel_id,
          messaging_channel_secret: keys.messaging_channel_secret,
        },
      }),
    ),
  );
  const connect = useAction(async (_: undefined, headers) => {
    const channel = await read(
      api.POST("/merchants/{merchant}/channels", { params: { path }, headers, body: keys }),
    );
    await client.invalidateQueries({ queryKey: ["connection"] });
    go("webhook", channel.id);
  });
  const field = (name: (typeof fields)[number], error?: Error) => {
    const input = {
      label: t(`connection.line.${name}`),
      value: keys[name],
      error: fieldError(error, name),
      maw: 420,
      onChange: (e: React.ChangeEvent<HTMLInputElement>) => {
        const value = e.currentTarget.value.trim();
        setKeys((old) => ({ ...old, [name]: value }));
      },
    };
    return name.endsWith("secret") ? (
      <PasswordInput {...input} autoComplete="new-password" />
    ) : (
      <TextInput {...input} autoComplete="off" />
    );
  };
  const account = check.result;
  const steps = [
    {
      id: "need",
      title: t("connection.line.step.need"),
      done: !!made,
      content: (
        <Stack>
          <List>
            {["account", "login", "provider"].map((k) => (
              <List.Item key={k}>{t(`connection.line.need.${k}`)}</List.Item>
            ))}
          </List>
          <Moves next={() => go("messaging")} />
        </Stack>
      ),
    },
    {
      id: "messaging",
      title: t("connection.line.step.messaging"),
      done: !!made,
      content: (
        <Stack>
          {field("messaging_channel_id", check.error)}
          {field("messaging_channel_secret", check.error)}
          {!account && (
            <Result of={check} what="connection.line.failed">
              <Button onClick={() => check.run(undefined)} loading={check.busy}>
                {t("connection.line.check")}
              </Button>
            </Result>
          )}
          {account && (
            <Card>
              <Text fw={600}>{t("connection.line.yours")}</Text>
              <Text>
                {account.name} {account.basic_id}
              </Text>
              {account.bot_user_known && <Text size="sm">{t("connection.line.known")}</Text>}
              <Group mt="xs">
                <Button onClick={() => go("login")} disabled={account.bot_user_known}>
                  {t("connection.line.yes")}
                </Button>
                <Button variant="default" onClick={check.clear}>
                  {t("connection.line.no")}
                </Button>
              </Group>
            </Card>
          )}
        </Stack>
      ),
    },
    {
      id: "login",
      title: t("connection.line.step.login"),
      done: !!made,
      content: (
        <Stack>
          <Text size="sm">{t("connection.line.why")}</Text>
          {field("login_channel_id", connect.error)}
          {field("login_channel_secret", connect.error)}
          <Result of={connect} what="connection.line.failed">
            <Button onClick={() => connect.run(undefined)} loading={connect.busy}>
              {t("connection.line.connect")}
            </Button>
          </Result>
        </Stack>
      ),
    },
    {
      id: "webhook",
      title: t("connection.line.step.webhook"),
      done: !!made?.webhook_active,
      open: !!made,
      content: made && <Webhook channel={made.id} next={() => go("preflight")} />,
    },
    {
      id: "preflight",
      title: t("connection.line.step.preflight"),
      done: made?.state === "working",
      open: !!made,
      content: made && (
        <Stack>
          <CopyField label={t("connection.line.callback")} value={made.callback_url} />
          <Preflight channel={made.id} />
          <Moves next={() => go("scan")} />
        </Stack>
      ),
    },
    {
      id: "scan",
      title: t("connection.line.step.scan"),
      done: (made?.linked ?? 0) > 0,
      open: !!made,
      content: <Text>{t(made?.linked ? "connection.line.scanned" : "connection.line.scan")}</Text>,
    },
  ];
  return (
    <Page title={t("connection.line.title")} lead={made && `${made.name} ${made.basic_id}`}>
      <Card>
        <Wizard steps={steps} label={t("connection.line.title")} />
      </Card>
    </Page>
  );
}

// Webhook sets the URL at LINE and tests it; another tool's is replaced only when asked.
function Webhook({ channel, next }: { channel: string; next: () => void }) {
  const { t } = useTranslation();
  const { merchant } = usePlace();
  const client = useQueryClient();
  const set = useAction(async (replace: boolean, headers) => {
    const answer = await read(
      api.POST("/merchants/{merchant}/channels/{channel}/webhook", {
        params: { path: { merchant: merchant.id, channel } },
        body: { replace },
        headers,
      }),
    );
    await client.invalidateQueries({ queryKey: ["connection"] });
    return answer;
  });
  const other = set.result?.other_host;
  return (
    <Stack>
      {other ? (
        <Alert color="yellow" variant="light" role="alert">
          <Text size="sm">{t("connection.line.other", { host: other })}</Text>
          <Group mt="xs">
            <Button variant="default" onClick={set.clear}>
              {t("connection.line.keep")}
            </Button>
            <Button onClick={() => set.run(true)} loading={set.busy}>
              {t("connection.line.replace")}
            </Button>
          </Group>
        </Alert>
      ) : (
        <Result of={set} what="connection.line.webhookFailed" done="connection.line.webhookSet">
          <Button onClick={() => set.run(false)} loading={set.busy}>
            {t("connection.line.setWebhook")}
          </Button>
        </Result>
      )}
      <Text>{t("connection.problem.webhook_off")}</Text>
      <Preflight channel={channel} only={["webhook_url", "use_webhook"]} />
      <Moves next={next} />
    </Stack>
  );
}

// Preflight looks again every few seconds while it is open.
function Preflight({ channel, only }: { channel: string; only?: string[] }) {
  const { t } = useTranslation();
  const { merchant } = usePlace();
  const { count } = useFormat();
  const found = useQuery({
    queryKey: ["connection", "preflight", channel],
    queryFn: () =>
      read(
        api.GET("/merchants/{merchant}/channels/{channel}/preflight", {
          params: { path: { merchant: merchant.id, channel } },
        }),
      ),
    refetchInterval: look,
  });
  if (found.isPending) return <Loading shape="list" />;
  if (found.error)
    return <Failed error={found.error} again={() => found.refetch()} what="connection.failed" />;
  const rows = found.data.rows.filter((r) => !only || only.includes(r.code));
  return (
    <Stack
      component="ul"
      gap="xs"
      m={0}
      p={0}
      style={{ listStyle: "none" }}
      aria-label={t("connection.line.step.preflight")}
    >
      {rows.map((r) => (
        <Group component="li" key={r.code} align="start" wrap="nowrap">
          <State of={r.state} words="connection.row" />
          <div>
            <Text size="sm">
              {t(`connection.preflight.${r.code}`, {
                host: String(r.detail.host ?? "-"),
                ms: r.detail.ms === undefined ? "-" : count(Number(r.detail.ms)),
                left: r.detail.left === undefined ? "-" : count(Number(r.detail.left)),
              })}
            </Text>
            <Text size="xs" c="dimmed">
              {t(`connection.knownBy.${r.known_by}`)}
            </Text>
          </div>
        </Group>
      ))}
    </Stack>
  );
}
