import { Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read } from "../api";
import { Failed, Result, useAction } from "../parts";
import { usePlace } from "../place";
import { useMayEdit } from "./useMayEdit";

const one = "/merchants/{merchant}/channels/{channel}" as const;

// Install makes a flow in Klaviyo, in draft, that sends a message: only where Klaviyo lets Lumo.
export function Install({ message, name }: { message?: string; name: string }) {
  const { mayChange } = usePlace();
  const may = useMayEdit();
  return may && mayChange ? <Form message={message} name={name} /> : null;
}

function Form({ message, name }: { message?: string; name: string }) {
  const { t } = useTranslation();
  const { channel, path } = usePlace();
  const [called, call] = useState(name);
  const [metric, choose] = useState<string | null>(null);
  const triggers = useQuery({
    queryKey: ["flow", "triggers", channel?.id],
    queryFn: () => read(api.GET(`${one}/flow_triggers`, { params: { path } })),
  });
  const install = useAction((_: undefined, headers) =>
    read(
      api.POST(`${one}/flows`, {
        params: { path },
        headers,
        body: { name: called, metric: metric ?? "", message },
      }),
    ),
  );
  return (
    <Stack gap="xs" component="section" aria-label={t("flow.install.title")}>
      <Text fw={600} size="sm">
        {t("flow.install.title")}
      </Text>
      <Text size="sm" c="dimmed">
        {t("flow.install.what")}
      </Text>
      {triggers.error && (
        <Failed error={triggers.error} again={() => triggers.refetch()} what="flow.install.noTriggers" />
      )}
      {triggers.data?.items.length === 0 && <Text size="sm">{t("flow.install.noEventsWhy")}</Text>}
      <Group align="end">
        <TextInput
          label={t("flow.install.name")}
          value={called}
          maxLength={100}
          onChange={(e) => call(e.currentTarget.value)}
        />
        <Select
          label={t("flow.install.trigger")}
          data={(triggers.data?.items ?? []).map((m) => ({ value: m.id, label: m.name }))}
          value={metric}
          onChange={choose}
          searchable
        />
      </Group>
      <Result of={install} what="flow.install.failed" done="flow.install.doneAt">
        <Button
          variant="default"
          onClick={() => install.run(undefined)}
          loading={install.busy}
          disabled={!metric || !called.trim()}
        >
          {t("flow.install.go")}
        </Button>
      </Result>
      {install.result && <Text size="sm">{t("flow.install.next")}</Text>}
    </Stack>
  );
}
