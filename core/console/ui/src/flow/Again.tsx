import { Button, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, type FlowRequestDetail, read, type Schema } from "../api";
import { Confirm, Failed, Reason, useAction } from "../parts";
import { usePlace } from "../place";

// Again takes up a call that led to no message: looks again, or sends. A repetition is sent
// only after asking, because the person has had the message once.
export function Again({ call }: { call: FlowRequestDetail }) {
  const { t } = useTranslation();
  const { mayChange, path } = usePlace();
  const client = useQueryClient();
  const [asking, ask] = useDisclosure();
  const params = { path: { ...path, request: call.id } };
  const check = useAction<void, Schema<"FlowVerdictView">>((_, headers) =>
    read(
      api.POST("/merchants/{merchant}/channels/{channel}/flow_requests/{request}/check", { params, headers }),
    ),
  );
  const send = useAction<void, void>(async (_, headers) => {
    await read(
      api.POST("/merchants/{merchant}/channels/{channel}/flow_requests/{request}/send", { params, headers }),
    );
    ask.close();
    await client.invalidateQueries({ queryKey: ["flow"] });
  });
  const look = () => {
    send.clear(); // what was in the way then may be gone
    return check.run();
  };
  if (!mayChange || call.state !== "not_sent" || call.outcome === "refused")
    return send.doneAt ? <Text role="status">{t("flow.again.sent")}</Text> : null;
  const repeated = call.reason === "duplicate";
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Button variant="default" onClick={look} loading={check.busy}>
          {t("flow.again.check")}
        </Button>
        <Button variant="default" onClick={repeated ? ask.open : () => send.run()} loading={send.busy}>
          {t(repeated ? "flow.again.sendAgain" : "flow.again.sendNow")}
        </Button>
      </Group>
      {check.result && (
        <div role="status">
          {check.result.outcome === "accepted" ? (
            <Text size="sm">{t("flow.again.would")}</Text>
          ) : (
            <Reason code={check.result.reason} data={check.result.reason_data} />
          )}
        </div>
      )}
      {check.error && <Failed error={check.error} what="flow.again.checkFailed" />}
      {send.error && !asking && <Failed error={send.error} what="flow.again.failed" />}
      <Confirm
        opened={asking}
        close={ask.close}
        title={t("flow.again.title")}
        verb={t("flow.again.sendAgain")}
        action={send}
        failed="flow.again.failed"
      >
        {t("flow.again.twice")}
      </Confirm>
    </Stack>
  );
}
