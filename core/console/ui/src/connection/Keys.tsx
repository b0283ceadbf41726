import { Button, Card, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Channel, read } from "../api";
import { fieldError, Result, useAction } from "../parts";
import { usePlace } from "../place";
import { Account } from "./Account";

const fields = [
  "messaging_channel_id",
  "messaging_channel_secret",
  "login_channel_id",
  "login_channel_secret",
] as const;
export type Field = (typeof fields)[number];
export type Values = Record<Field, string>;

export const noKeys = () => Object.fromEntries(fields.map((f) => [f, ""])) as Values;

type KeyProps = {
  name: Field;
  values: Values;
  set: (name: Field, value: string) => void;
  error?: Error;
};

// Key is a field for an id or a secret: pasted without its blanks, never filled in by the browser.
function Key({ name, values, set, error }: KeyProps) {
  const { t } = useTranslation();
  const input = {
    label: t(`connection.line.${name}`),
    value: values[name],
    error: fieldError(error, name),
    maw: 420,
    onChange: (e: React.ChangeEvent<HTMLInputElement>) => set(name, e.currentTarget.value.trim()),
  };
  return name.endsWith("secret") ? (
    <PasswordInput {...input} autoComplete="new-password" data-1p-ignore />
  ) : (
    <TextInput {...input} autoComplete="off" inputMode="numeric" />
  );
}

type StepProps = {
  values: Values;
  set: (name: Field, value: string) => void;
  next: (channel?: Channel) => void;
};

// MessagingKeys asks LINE whose keys these are before anything is connected.
export function MessagingKeys({ values, set, next }: StepProps) {
  const { t } = useTranslation();
  const { merchant } = usePlace();
  const check = useAction((_: undefined, headers) =>
    read(
      api.POST("/merchants/{merchant}/channels/check", {
        params: { path: { merchant: merchant.id } },
        headers,
        body: {
          messaging_channel_id: values.messaging_channel_id,
          messaging_channel_secret: values.messaging_channel_secret,
        },
      }),
    ),
  );
  const change = (name: Field, value: string) => {
    set(name, value);
    if (check.result) check.clear();
  };
  return (
    <Stack>
      <Key name="messaging_channel_id" values={values} set={change} error={check.error} />
      <Key name="messaging_channel_secret" values={values} set={change} error={check.error} />
      {!check.result && (
        <Result of={check} what="connection.line.failed">
          <Button onClick={() => check.run(undefined)} loading={check.busy}>
            {t("connection.line.check")}
          </Button>
        </Result>
      )}
      {check.result && (
        <Card role="status">
          <Stack gap="sm">
            <Text fw={600}>{t("connection.line.yours")}</Text>
            <Account of={check.result} />
            {check.result.bot_user_known && <Text size="sm">{t("connection.line.known")}</Text>}
            <Group>
              <Button onClick={() => next()} disabled={check.result.bot_user_known}>
                {t("connection.line.yes")}
              </Button>
              <Button variant="default" onClick={check.clear}>
                {t("connection.line.no")}
              </Button>
            </Group>
          </Stack>
        </Card>
      )}
    </Stack>
  );
}

// LoginKeys connects the account, and has LINE send its events here where no other tool gets them.
export function LoginKeys({ values, set, next }: StepProps) {
  const { t } = useTranslation();
  const { merchant } = usePlace();
  const client = useQueryClient();
  const connect = useAction(async (_: undefined, headers) => {
    const path = { merchant: merchant.id };
    const made = await read(
      api.POST("/merchants/{merchant}/channels", { params: { path }, headers, body: values }),
    );
    // What comes of it the next step shows; an account without events is connected all the same.
    await read(
      api.POST("/merchants/{merchant}/channels/{channel}/webhook", {
        params: { path: { ...path, channel: made.id } },
        body: { replace: false },
      }),
    ).catch(() => undefined);
    await client.invalidateQueries({ queryKey: ["connection"] });
    next(made);
  });
  return (
    <Stack>
      <Text size="sm">{t("connection.line.why")}</Text>
      <Key name="login_channel_id" values={values} set={set} error={connect.error} />
      <Key name="login_channel_secret" values={values} set={set} error={connect.error} />
      <Result of={connect} what="connection.line.failed" labels={labels(t)}>
        <Button onClick={() => connect.run(undefined)} loading={connect.busy}>
          {t("connection.line.connect")}
        </Button>
      </Result>
    </Stack>
  );
}

const labels = (t: (key: string) => string) =>
  Object.fromEntries(fields.map((f) => [f, t(`connection.line.${f}`)]));

// ChangeKeys replaces a secret of an account that is connected: what LINE sent meanwhile and
// was refused is tried again with the new one.
export function ChangeKeys({ of, part }: { of: Channel; part: "messaging" | "login" }) {
  const { t } = useTranslation();
  const { merchant } = usePlace();
  const client = useQueryClient();
  const [values, setValues] = useState(noKeys);
  const id = `${part}_channel_id` as const;
  const secret = `${part}_channel_secret` as const;
  const change = useAction(async (_: undefined, headers) => {
    await read(
      api.PATCH("/merchants/{merchant}/channels/{channel}", {
        params: { path: { merchant: merchant.id, channel: of.id } },
        body:
          part === "login"
            ? { [id]: values[id] || undefined, [secret]: values[secret] }
            : { [secret]: values[secret] },
        headers,
      }),
    );
    setValues(noKeys());
    await client.invalidateQueries({ queryKey: ["connection"] });
  });
  const set = (name: Field, value: string) => setValues((old) => ({ ...old, [name]: value }));
  return (
    <Stack>
      {part === "messaging" && <Account of={of} />}
      <Text size="sm">
        {t(`connection.line.${id}`)}: {of[id]}
      </Text>
      <Text size="sm">{t(`connection.line.changeWhy.${part}`)}</Text>
      {part === "login" && <Key name={id} values={values} set={set} error={change.error} />}
      <Key name={secret} values={values} set={set} error={change.error} />
      <Result of={change} what="connection.line.notChanged" done={`connection.line.changed.${part}`}>
        <Button
          variant="default"
          onClick={() => change.run(undefined)}
          loading={change.busy}
          disabled={!values[secret]}
        >
          {t(`connection.line.change.${part}`)}
        </Button>
      </Result>
    </Stack>
  );
}
