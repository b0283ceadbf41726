import { Alert, Button, Group, Radio, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconHandStop } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read, type Schema } from "../api";
import { Confirm, Failed, useAction, useFormat } from "../parts";
import { StopPopover } from "../shell/StopPopover";
import { useOverview } from "./data";

const reasons = ["trouble", "line", "maintenance"] as const;

// StopAll stops all sending of all merchants: two clicks, no typing. Merchants read who and why.
export function StopAll() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [opened, popover] = useDisclosure();
  const [reason, setReason] = useState<(typeof reasons)[number]>("trouble");
  const overview = useOverview();
  const stop = useAction(async (_: undefined, headers) => {
    client.setQueryData(["ops"], await read(api.POST("/ops/sending/stop", { body: { reason }, headers })));
    popover.close();
  });
  if (overview.data?.stop) return null;
  return (
    <StopPopover
      label={t("ops.stop.open")}
      opened={opened}
      toggle={popover.toggle}
      close={popover.close}
      width={360}
    >
      <Text size="sm">{t("ops.stop.what")}</Text>
      <Radio.Group
        label={t("ops.stop.reason")}
        value={reason}
        onChange={(v) => setReason(v as (typeof reasons)[number])}
      >
        <Stack gap={6} mt={4}>
          {reasons.map((r) => (
            <Radio key={r} value={r} label={t(`sending.why.${r}`)} />
          ))}
        </Stack>
      </Radio.Group>
      {stop.error && <Failed error={stop.error} what="ops.stop.failed" />}
      {stop.lost && (
        <Text size="sm" role="status">
          {t("common.checking")}
        </Text>
      )}
      <Button color="red" onClick={() => stop.run(undefined)} loading={stop.busy}>
        {t("ops.stop.do")}
      </Button>
    </StopPopover>
  );
}

// AllStopped is the red banner of operators while all sending is stopped.
export function AllStopped({ of }: { of: Schema<"HoldView"> }) {
  const { t } = useTranslation();
  const { moment } = useFormat();
  const client = useQueryClient();
  const [opened, dialog] = useDisclosure();
  const resume = useAction<void, unknown>(async (_, headers) => {
    client.setQueryData(["ops"], await read(api.POST("/ops/sending/resume", { headers })));
    dialog.close();
  });
  return (
    <Alert color="red" variant="light" icon={<IconHandStop stroke={1.5} />} role="alert">
      <Group justify="space-between">
        <Text size="sm">
          {t("ops.stop.stopped", {
            time: of.stopped_at ? moment(of.stopped_at) : "-",
            name: of.by,
            why: t(`sending.why.${of.reason}`),
          })}
        </Text>
        <Button size="xs" variant="default" onClick={dialog.open}>
          {t("ops.stop.resumeOpen")}
        </Button>
      </Group>
      <Confirm
        opened={opened}
        close={dialog.close}
        title={t("ops.stop.resumeTitle")}
        verb={t("ops.stop.resume")}
        action={resume}
        failed="ops.stop.resumeFailed"
      >
        <Text size="sm">{t("ops.stop.resumeWhat")}</Text>
      </Confirm>
    </Alert>
  );
}
