import { Alert, Button, Checkbox, Group, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconHandStop } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read, type Schema } from "../api";
import { Failed, useAction, useFormat } from "../parts";
import { usePlace } from "../place";
import { StopPopover } from "./StopPopover";

type Sending = Schema<"SendingView">;

// useSending is whether this account's sending is stopped, and what waits.
export function useSending() {
  const { path, channel } = usePlace();
  return useQuery({
    queryKey: ["sending", channel?.id],
    queryFn: () => read(api.GET("/merchants/{merchant}/channels/{channel}/sending", { params: { path } })),
    enabled: !!channel,
    // While it is stopped more and more waits, and no message tells of each.
    refetchInterval: (q) => (q.state.data?.system || q.state.data?.stopped === "everything" ? 2000 : false),
  });
}

// Stop is on every screen: two clicks, no typing.
export function Stop() {
  const { t } = useTranslation();
  const { channel, mayChange, channels } = usePlace();
  const [opened, popover] = useDisclosure();
  const client = useQueryClient();
  const stop = useAction(
    async ({ scope, all }: { scope: "broadcasts" | "everything"; all?: boolean }, headers) => {
      const ids = all ? channels.map((c) => c.id) : [channel?.id ?? ""];
      for (const id of ids)
        await read(
          api.POST("/merchants/{merchant}/channels/{channel}/sending/stop", {
            params: { path: { merchant, channel: id } },
            body: { scope },
            headers: { "Idempotency-Key": `${headers["Idempotency-Key"]} ${id}` },
          }),
        );
      await client.invalidateQueries({ queryKey: ["sending"] });
      popover.close();
    },
  );
  const merchant = usePlace().merchant.id;
  const sending = useSending();
  if (!channel || !mayChange || sending.data?.stopped === "everything") return null;
  return (
    <StopPopover label={t("sending.stop")} opened={opened} toggle={popover.toggle} close={popover.close}>
      <Text size="sm" fw={600}>
        {t("sending.stop")}
      </Text>
      {stop.error && <Failed error={stop.error} what="sending.stopFailed" />}
      {stop.busy && (
        <Text size="sm" role="status">
          {t(stop.lost ? "common.checking" : "sending.stopping")}
        </Text>
      )}
      <Button variant="default" onClick={() => stop.run({ scope: "broadcasts" })} disabled={stop.busy}>
        {t("sending.stopBroadcasts")}
      </Button>
      <Button color="red" onClick={() => stop.run({ scope: "everything" })} disabled={stop.busy}>
        {t("sending.stopEverything")}
      </Button>
      {channels.length > 1 && (
        <Button color="red" onClick={() => stop.run({ scope: "everything", all: true })} disabled={stop.busy}>
          {t("sending.stopAll", { count: channels.length, n: channels.length })}
        </Button>
      )}
    </StopPopover>
  );
}

// Held is the red banner while an operator stopped all sending of all merchants.
export function Held({ of, by }: { of: Sending; by: Schema<"HoldView"> }) {
  const { t } = useTranslation();
  const { moment, count } = useFormat();
  const waiting = of.waiting.flow + of.waiting.broadcast;
  return (
    <Alert color="red" variant="light" icon={<IconHandStop stroke={1.5} />} role="alert">
      <Text size="sm">
        {t("sending.held", {
          time: by.stopped_at ? moment(by.stopped_at) : "-",
          name: by.by,
          why: t(`sending.why.${by.reason}`),
          n: count(waiting),
          count: waiting,
          h: Math.round(of.too_late_seconds / 3600),
        })}
      </Text>
    </Alert>
  );
}

// Stopped is the red banner while sending is stopped.
export function Stopped({ of }: { of: Sending }) {
  const { t } = useTranslation();
  const { moment, count } = useFormat();
  const { mayChange } = usePlace();
  const [opened, dialog] = useDisclosure();
  const waiting = of.waiting.flow + of.waiting.broadcast;
  return (
    <Alert color="red" variant="light" icon={<IconHandStop stroke={1.5} />} role="alert">
      <Group justify="space-between">
        <Text size="sm">
          {t(of.stopped === "everything" ? "sending.stopped" : "sending.stoppedBroadcasts", {
            time: of.stopped_at ? moment(of.stopped_at) : "-",
            name: of.by || t("sending.somebody"),
            n: count(waiting),
            count: waiting,
            h: Math.round(of.too_late_seconds / 3600),
          })}
        </Text>
        {mayChange && (
          <Button size="xs" variant="default" onClick={dialog.open}>
            {t("sending.resume")}
          </Button>
        )}
      </Group>
      <Modal opened={opened} onClose={dialog.close} title={t("sending.resumeTitle")}>
        <Resume of={of} close={dialog.close} />
      </Modal>
    </Alert>
  );
}

function Resume({ of, close }: { of: Sending; close: () => void }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const { count } = useFormat();
  const client = useQueryClient();
  const [drop, setDrop] = useState<string[]>([]);
  const resume = useAction(async (_: undefined, headers) => {
    await read(
      api.POST("/merchants/{merchant}/channels/{channel}/sending/resume", {
        params: { path },
        body: { drop },
        headers,
      }),
    );
    await client.invalidateQueries({ queryKey: ["sending"] });
    close();
  });
  const left = of.waiting.items
    .filter((i) => !drop.includes(i.key))
    .reduce((n, i) => n + i.count - i.late, 0);
  return (
    <Stack>
      <Text size="sm">{t("sending.resumeWhat")}</Text>
      {of.waiting.items.map((item) => (
        <Checkbox
          key={item.key}
          checked={!drop.includes(item.key)}
          onChange={(e) =>
            setDrop(e.currentTarget.checked ? drop.filter((k) => k !== item.key) : [...drop, item.key])
          }
          label={t(`sending.kind.${item.kind}`, {
            name: item.name || item.ref || "",
            n: count(item.count),
            count: item.count,
          })}
          description={
            item.late > 0 ? t("sending.late", { count: item.late, n: count(item.late) }) : undefined
          }
        />
      ))}
      {resume.error && <Failed error={resume.error} what="sending.resumeFailed" />}
      <Group justify="end">
        <Button variant="default" onClick={close} data-autofocus>
          {t("common.back")}
        </Button>
        <Button onClick={() => resume.run(undefined)} loading={resume.busy}>
          {t("sending.resumeGo", { count: left, n: count(left) })}
        </Button>
      </Group>
    </Stack>
  );
}
