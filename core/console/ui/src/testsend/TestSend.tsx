import { Anchor, Button, Group, Select, Stack, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, read, type Schema } from "../api";
import { useLiveEvent } from "../live";
import { useMessages } from "../message/useMessages";
import { Failed, Reason, State, useAction, useFormat } from "../parts";
import { usePlace } from "../place";

type Sent = Schema<"TestSendView">;

type Props = {
  friend?: { id: string; name: string }; // instead of all test friends
  message?: string; // instead of a choice; as its draft stands
  ready?: () => Promise<unknown>; // before sending: saves the draft
};

const one = "/merchants/{merchant}/channels/{channel}" as const;

// TestSend sends a message to test friends, says what it costs before and what became of it after.
export function TestSend({ friend, message, ready }: Props) {
  const { t } = useTranslation();
  const { base, channel, merchant, path } = usePlace();
  const { count } = useFormat();
  const client = useQueryClient();
  const [chosen, choose] = useState("");
  const testers = useQuery({
    queryKey: ["friend", "testers", channel?.id],
    queryFn: () => read(api.GET(`${one}/test_friends`, { params: { path } })),
    enabled: !friend,
  });
  const saved = useMessages(!message);
  const send = useAction(async (_: undefined, headers) => {
    await ready?.();
    const which = message ?? chosen;
    const sent = await read(
      api.POST(`${one}/test_sends`, {
        params: { path },
        headers,
        body: {
          friends: friend ? [friend.id] : undefined,
          message: which || undefined,
          draft: message ? true : undefined,
          text: which ? undefined : t("testsend.text", { shop: merchant.name }),
        },
      }),
    );
    void client.invalidateQueries({ queryKey: ["home"] });
    return sent;
  });
  const to = friend ? 1 : (testers.data?.items.filter((f) => f.reachable).length ?? 0);
  if (!friend && testers.isPending) return null;
  if (testers.error)
    return <Failed error={testers.error} again={() => testers.refetch()} what="testsend.failed" />;
  if (to === 0)
    return (
      <Text size="sm">
        {t("testsend.nobody")}{" "}
        <Anchor component={Link} to={`${base}/friends`} size="sm">
          {t("testsend.choose")}
        </Anchor>
      </Text>
    );
  return (
    <Stack gap="xs">
      {!message && (
        <Select
          label={t("testsend.message")}
          data={[
            { value: "", label: t("testsend.standard") },
            ...(saved.data ?? []).map((m) => ({ value: m.id, label: m.name })),
          ]}
          value={chosen}
          onChange={(v) => choose(v ?? "")}
          allowDeselect={false}
          w={320}
          maw="100%"
        />
      )}
      <Text size="sm" c="dimmed">
        {t("testsend.to", {
          names: names(friend ? [friend] : (testers.data?.items ?? []), t("friend.noName")),
        })}{" "}
        <Price n={to} />
      </Text>
      <Button
        w="fit-content"
        style={{ borderLeft: "4px solid var(--lumo-ring)" }}
        onClick={() => send.run(undefined)}
        loading={send.busy}
      >
        {t("testsend.send", { count: to, n: count(to) })}
      </Button>
      {send.lost && (
        <Text size="sm" role="status">
          {t("common.checking")}
        </Text>
      )}
      {send.error && <Failed error={send.error} what="testsend.notSent" />}
      {send.result && <Outcome key={send.result.id} of={send.result} />}
    </Stack>
  );
}

const names = (all: { name: string; reachable?: boolean }[], nobody: string) =>
  all
    .filter((f) => f.reachable !== false)
    .map((f) => f.name || nobody)
    .join(", ");

// Price says what a test takes from the month.
function Price({ n }: { n: number }) {
  const { t } = useTranslation();
  const { channel } = usePlace();
  const { count } = useFormat();
  const q = channel?.quota;
  const uses = t("testsend.uses", { count: n, n: count(n) });
  if (!q) return <span>{uses}</span>;
  const left = q.unlimited
    ? t("quota.unlimited")
    : t("quota.left", { count: q.limit - q.used, n: count(Math.max(0, q.limit - q.used)) });
  return (
    <span>
      {uses} ({left})
    </span>
  );
}

const ended = new Set(["accepted", "skipped", "rejected", "unknown_expired"]);

// Outcome follows a test until everybody's message has ended.
function Outcome({ of }: { of: Sent }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const now = useQuery({
    queryKey: ["testsend", of.id],
    queryFn: () => read(api.GET(`${one}/test_sends/{test}`, { params: { path: { ...path, test: of.id } } })),
    initialData: of,
    initialDataUpdatedAt: 0, // a message may have ended before anybody listened
    refetchInterval: (q) => (q.state.data?.deliveries.every(({ state }) => ended.has(state)) ? false : 3000),
  });
  useLiveEvent(["delivery.state", "resync"], (m) => {
    if (m.kind === "resync" || m.data?.logical === of.id) void now.refetch();
  });
  return (
    <Stack gap={4} role="status" aria-label={t("testsend.outcome")}>
      {now.data.deliveries.map((d) => (
        <Group key={d.id} gap="xs">
          <Text size="sm">{d.friend.name || t("friend.noName")}</Text>
          <State of={d.state} words="state" />
          <Reason code={d.reason} data={d.reason_data} next={false} />
        </Group>
      ))}
    </Stack>
  );
}
