import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Channel, read } from "../api";
import { Moves, Result, useAction } from "../parts";
import { usePlace } from "../place";
import { Preflight, rowOf, usePreflight } from "./Preflight";
import { SwitchPlace } from "./pictures";

type Props = { of: Channel; next: () => void };

// Webhook has LINE send its events here and tests it; another tool's URL is replaced only
// when asked. The switch beside it only a person can turn on: it is noticed.
export function Webhook({ of, next }: Props) {
  const { t } = useTranslation();
  const { merchant } = usePlace();
  const client = useQueryClient();
  const [kept, keep] = useState(false);
  const found = usePreflight(of.id);
  const set = useAction(async (replace: boolean, headers) => {
    const answer = await read(
      api.POST("/merchants/{merchant}/channels/{channel}/webhook", {
        params: { path: { merchant: merchant.id, channel: of.id } },
        body: { replace },
        headers,
      }),
    );
    await client.invalidateQueries({ queryKey: ["connection"] });
    return answer;
  });
  const other = rowOf(found.data, "other_tool");
  const host = other?.state === "warning" ? String(other.detail.host) : undefined;
  const ready = rowOf(found.data, "webhook_url")?.state === "good";
  return (
    <Stack>
      {host ? (
        <Alert color="yellow" variant="light" role="alert">
          <Text size="sm">
            {kept ? t("connection.line.kept", { host }) : t("connection.line.other", { host })}
          </Text>
          <Result of={set} what="connection.line.webhookFailed">
            <Group mt="xs">
              {!kept && (
                <Button variant="default" onClick={() => keep(true)}>
                  {t("connection.line.keep")}
                </Button>
              )}
              <Button onClick={() => set.run(true)} loading={set.busy}>
                {t("connection.line.replace")}
              </Button>
            </Group>
          </Result>
        </Alert>
      ) : (
        found.data && (
          <Result of={set} what="connection.line.webhookFailed" done="connection.line.webhookSet">
            <Button variant={ready ? "default" : "filled"} onClick={() => set.run(false)} loading={set.busy}>
              {t(ready ? "connection.line.testWebhook" : "connection.line.setWebhook")}
            </Button>
          </Result>
        )
      )}
      <Preflight channel={of.id} only={host ? ["webhook_url"] : ["webhook_url", "use_webhook"]} />
      {!of.webhook_active && !host && (
        <>
          <Text>{t("connection.problem.use_webhook")}</Text>
          <SwitchPlace />
        </>
      )}
      <Moves next={next} />
    </Stack>
  );
}
