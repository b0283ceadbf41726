import { Button, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, type FlowRequestDetail, read } from "../api";
import { Confirm, Result, useAction } from "../parts";
import { usePlace } from "../place";

// Unsure is what can be done while LINE has not said whether it took a message: ask again,
// which cannot double it, or, when LINE never said, send it again, which can.
export function Unsure({ call }: { call: FlowRequestDetail }) {
  const { t } = useTranslation();
  const { mayChange, merchant } = usePlace();
  const client = useQueryClient();
  const [asking, ask] = useDisclosure();
  const params = { path: { merchant: merchant.id, delivery: call.delivery ?? "" } };
  const done = () => client.invalidateQueries({ queryKey: ["flow"] });
  const check = useAction<void, void>(async (_, headers) => {
    await read(api.POST("/merchants/{merchant}/deliveries/{delivery}/check", { params, headers }));
    await done();
  });
  const send = useAction<void, void>(async (_, headers) => {
    const body = { may_arrive_twice: true };
    await read(api.POST("/merchants/{merchant}/deliveries/{delivery}/send_again", { params, headers, body }));
    ask.close();
    await done();
  });
  if (!mayChange || !call.delivery) return null;
  if (call.state === "checking")
    return (
      <Result of={check} what="flow.again.checkFailed" done="delivery.quota.askedAt">
        <Button variant="default" onClick={() => check.run()} loading={check.busy}>
          {t("delivery.quota.ask")}
        </Button>
      </Result>
    );
  if (call.state !== "unconfirmed") return null;
  return (
    <Group>
      <Button variant="default" onClick={ask.open}>
        {t("flow.again.anyway")}
      </Button>
      <Confirm
        opened={asking}
        close={ask.close}
        title={t("flow.again.title")}
        verb={t("flow.again.anyway")}
        action={send}
        failed="flow.again.failed"
      >
        {t("flow.again.mayTwice")}
      </Confirm>
    </Group>
  );
}
