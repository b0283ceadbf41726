import { Button, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, read } from "../api";
import { Result, useAction } from "../parts";
import { usePlace } from "../place";

const one = "/merchants/{merchant}/channels/{channel}" as const;

// SetLive sets a flow's webhook live, only after a test of it has arrived: until then it waits
// and says for what.
export function SetLive({ flow }: { flow: string }) {
  const { t } = useTranslation();
  const { channel, path } = usePlace();
  const doctor = useQuery({
    queryKey: ["flow", "doctor", channel?.id],
    queryFn: () => read(api.GET(`${one}/flow_doctor`, { params: { path } })),
  });
  const called = doctor.data?.flows.find((f) => f.id === flow);
  const live = useAction((_: undefined, headers) =>
    read(api.POST(`${one}/flows/{flow}/set_live`, { params: { path: { ...path, flow } }, headers })),
  );
  if (live.result) return <Text size="sm">{t("flow.library.live")}</Text>;
  if (!called || called.sent_24h === 0) return <Text size="sm">{t("flow.library.test")}</Text>;
  return (
    <>
      <Text size="sm">{t("flow.library.arrived")}</Text>
      <Result of={live} what="flow.edit.failed">
        <Button onClick={() => live.run(undefined)} loading={live.busy}>
          {t("flow.edit.live")}
        </Button>
      </Result>
    </>
  );
}
