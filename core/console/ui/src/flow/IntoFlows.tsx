import { Button, List, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, read } from "../api";
import { Result, useAction } from "../parts";
import { usePlace } from "../place";

// IntoFlows puts the newest key into the webhooks in Klaviyo, and says flow by flow what came
// of it.
export function IntoFlows() {
  const { t } = useTranslation();
  const { path } = usePlace();
  const client = useQueryClient();
  const put = useAction(async (_: undefined, headers) => {
    const done = await read(
      api.POST("/merchants/{merchant}/channels/{channel}/flow_keys/put_into_flows", {
        params: { path },
        headers,
      }),
    );
    await client.invalidateQueries({ queryKey: ["flow"] });
    return done.items;
  });
  return (
    <>
      <Result of={put} what="flow.edit.failed" done="flow.edit.doneAt">
        <Button variant="default" onClick={() => put.run(undefined)} loading={put.busy}>
          {t("flow.edit.key")}
        </Button>
      </Result>
      {put.result && put.result.length === 0 && <Text size="sm">{t("flow.edit.none")}</Text>}
      {put.result && put.result.length > 0 && (
        <List size="sm" aria-label={t("flow.edit.key")}>
          {put.result.map((f) => (
            <List.Item key={f.id}>
              {t(f.failed ? "flow.edit.flowFailed" : "flow.edit.flowDone", {
                name: f.name || f.id,
                count: f.webhooks,
                n: f.webhooks,
              })}
            </List.Item>
          ))}
        </List>
      )}
    </>
  );
}
