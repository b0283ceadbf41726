import { Button, Group, Menu, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, read, type Schema } from "../api";
import { Confirm, type Selection, useAction, useFormat, useUndo } from "../parts";
import { usePlace } from "../place";
import { useTags } from "./TagBadge";

type Do = { action: "tag" | "untag" | "tester" | "no_tester"; tag?: string };
export type Filter = Omit<Schema<"SearchBody">, "text">;

const opposite = { tag: "untag", untag: "tag", tester: "no_tester", no_tester: "tester" } as const;

type Props = { selection: Selection; filter: Filter };

// Bulk changes the ticked friends, at once and with a way back; or all that match the filters,
// as running work that is asked about first.
export function Bulk({ selection, filter }: Props) {
  const { t } = useTranslation();
  const [asked, ask] = useState<Do>();
  const ticked = useTicked(selection);
  const run = (what: Do) => (selection.all ? ask(what) : void ticked.run({ ...what, ids: selection.ids }));
  return (
    <Group gap="xs">
      <ChooseTag action="tag" busy={ticked.busy} run={run} />
      <ChooseTag action="untag" busy={ticked.busy} run={run} />
      <Button size="xs" variant="default" disabled={ticked.busy} onClick={() => run({ action: "tester" })}>
        {t("friend.tester")}
      </Button>
      {ticked.error && (
        <Text size="sm" c="var(--lumo-bad)" role="alert">
          {ticked.error.message || t("common.unreachable")}
        </Text>
      )}
      {asked && <AskAll of={asked} selection={selection} filter={filter} close={() => ask(undefined)} />}
    </Group>
  );
}

function useTicked(selection: Selection) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const undo = useUndo();
  const send = (c: Do & { ids: string[] }, headers = {}) =>
    read(
      api.POST("/merchants/{merchant}/channels/{channel}/friends/bulk", {
        params: { path },
        headers,
        body: { action: c.action, tag: c.tag, friends: c.ids },
      }),
    );
  return useAction(async (c: Do & { ids: string[] }, key) => {
    const done = await send(c, key);
    undo.offer({
      text: t(`friend.done.${c.action}`, { count: done.changed, n: done.changed }),
      undo: () => send({ ...c, action: opposite[c.action] }),
    });
    selection.clear();
    return done;
  });
}

type ChooseProps = { action: "tag" | "untag"; busy: boolean; run: (what: Do) => void };

function ChooseTag({ action, busy, run }: ChooseProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const items = useTags().data?.items ?? [];
  return (
    <Menu position="top">
      <Menu.Target>
        <Button size="xs" variant="default" disabled={busy}>
          {t(`friend.${action}`)}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {items.map((tag) => (
          <Menu.Item key={tag.id} onClick={() => run({ action, tag: tag.id })}>
            {tag.name}
          </Menu.Item>
        ))}
        {items.length === 0 && (
          <Menu.Item onClick={() => navigate("../tags", { relative: "path" })}>
            {t("friend.noTags")}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

// AskAll says how many all are, and starts the running work.
function AskAll({ of, selection, filter, close }: Props & { of: Do; close: () => void }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const { count } = useFormat();
  const client = useQueryClient();
  const tags = useTags();
  const start = useAction<void, unknown>(async (_, headers) => {
    const run = await read(
      api.POST("/merchants/{merchant}/channels/{channel}/friends/bulk_all", {
        params: { path },
        body: { ...filter, action: of.action, label: of.tag },
        headers,
      }),
    );
    await client.invalidateQueries({ queryKey: ["run"] });
    close();
    selection.clear();
    return run;
  });
  const name = tags.data?.items.find((tag) => tag.id === of.tag)?.name ?? "";
  const n = count(selection.n);
  return (
    <Confirm
      opened
      close={close}
      title={t(`friend.all.${of.action}`, { count: selection.n, n, name })}
      verb={t("friend.all.verb", { count: selection.n, n })}
      action={start}
      failed="friend.changeFailed"
    >
      <Text size="sm">{t("friend.all.text")}</Text>
    </Confirm>
  );
}
