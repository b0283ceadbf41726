import { Button, Group, Modal, Radio, Select, Stack, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, read } from "../api";
import {
  type Column,
  composing,
  DataTable,
  Empty,
  Failed,
  Page,
  useAction,
  useFormat,
  usePages,
  useUndo,
} from "../parts";
import { usePlace } from "../place";
import { type Tag, TagBadge, useTags } from "./TagBadge";

const one = "/merchants/{merchant}/channels/{channel}/tags/{tag}" as const;

// Tags are the labels of one LINE account. What is done here can be taken back.
export function Tags() {
  const { t } = useTranslation();
  const { path, base, mayChange } = usePlace();
  const { count } = useFormat();
  const [editing, setEditing] = useState<Tag | "new">();
  const [merging, setMerging] = useState<Tag>();
  const archive = useArchive();
  const pages = usePages<Tag>({
    queryKey: ["friend", "tags", path.channel, "page"],
    fetch: (_, signal) =>
      read(api.GET("/merchants/{merchant}/channels/{channel}/tags", { params: { path }, signal })).then(
        (l) => ({
          ...l,
          total: l.items.length,
        }),
      ),
  });
  const columns: Column<Tag>[] = [
    { key: "name", title: t("tag.name"), cell: (tag) => <TagBadge of={tag} /> },
    {
      key: "friends",
      title: t("tag.friends"),
      cell: (tag) => count(tag.friends),
      numeric: true,
      card: "fact",
    },
    {
      key: "how",
      title: t("tag.how"),
      card: "fact",
      cell: (tag) => t("tag.given", { hand: count(tag.by_hand), qr: count(tag.by_qr_code) }),
    },
    {
      key: "do",
      title: t("tag.do"),
      card: "state",
      cell: (tag) =>
        mayChange && (
          <Group gap={4}>
            <Button size="compact-sm" variant="subtle" onClick={() => setEditing(tag)}>
              {t("tag.rename")}
            </Button>
            <Button size="compact-sm" variant="subtle" onClick={() => setMerging(tag)}>
              {t("tag.merge")}
            </Button>
            <Button size="compact-sm" variant="subtle" onClick={() => archive.run(tag)}>
              {t("tag.archive")}
            </Button>
          </Group>
        ),
    },
  ];
  const make = mayChange && <Button onClick={() => setEditing("new")}>{t("tag.new")}</Button>;
  return (
    <Page title={t("menu.tags")} lead={t("tag.lead")} actions={pages.rows.length > 0 && make}>
      {archive.error && <Failed error={archive.error} what="tag.failed" />}
      <DataTable
        caption={t("menu.tags")}
        columns={columns}
        pages={pages}
        id={(tag) => tag.id}
        link={(tag) => `${base}/friends?tag=${tag.id}`}
        failed="tag.failed"
        empty={<Empty kind="new" title={t("tag.none")} text={t("tag.examples")} action={make} />}
      />
      <Text size="sm" c="dimmed">
        <Link to={`${base}/friends`}>{t("tag.toFriends")}</Link>
      </Text>
      {editing && <Edit of={editing === "new" ? undefined : editing} close={() => setEditing(undefined)} />}
      {merging && <Merge of={merging} close={() => setMerging(undefined)} />}
    </Page>
  );
}

// useArchive puts a tag away and offers to bring it back.
function useArchive() {
  const { t } = useTranslation();
  const { path } = usePlace();
  const client = useQueryClient();
  const undo = useUndo();
  const again = () => client.invalidateQueries({ queryKey: ["friend"] });
  return useAction(async (tag: Tag, headers) => {
    const params = { path: { ...path, tag: tag.id } };
    const done = await read(api.POST(`${one}/archive`, { params, headers }));
    await again();
    undo.offer({
      text: t("tag.archived", { name: tag.name }),
      undo: async () => {
        await read(api.POST(`${one}/restore`, { params }));
        await again();
      },
    });
    return done;
  });
}

// Edit makes a tag, or renames and recolours one.
function Edit({ of, close }: { of?: Tag; close: () => void }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const client = useQueryClient();
  const [name, setName] = useState(of?.name ?? "");
  const [color, setColor] = useState(of?.color ?? 1);
  const save = useAction(async (_: undefined, headers) => {
    const body = { name, color };
    const done = of
      ? await read(api.PATCH(one, { params: { path: { ...path, tag: of.id } }, body }))
      : await read(
          api.POST("/merchants/{merchant}/channels/{channel}/tags", { params: { path }, body, headers }),
        );
    await client.invalidateQueries({ queryKey: ["friend"] });
    close();
    return done;
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.run(undefined);
  };
  const fields = save.error && "fields" in save.error ? (save.error.fields as Record<string, string>) : {};
  return (
    <Modal opened onClose={close} title={of ? t("tag.rename") : t("tag.new")}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={t("tag.name")}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            onKeyDown={(e) => e.key === "Enter" && composing(e) && e.preventDefault()}
            error={fields.name}
            maxLength={60}
            data-autofocus
          />
          <Radio.Group label={t("tag.color")} value={String(color)} onChange={(v) => setColor(Number(v))}>
            <Group gap="sm" mt={4}>
              {[1, 2, 3, 4, 5, 6, 7, 8].map((n) => (
                <Radio
                  key={n}
                  value={String(n)}
                  label={<TagBadge of={{ name: t("tag.colorN", { n }), color: n }} />}
                />
              ))}
            </Group>
          </Radio.Group>
          {save.error && !fields.name && <Failed error={save.error} what="tag.failed" />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t("common.cancel")}
            </Button>
            <Button type="submit" loading={save.busy}>
              {of ? t("tag.save") : t("tag.make")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

// Merge gives the friends of a tag another one; the archived tag comes back by Undo.
function Merge({ of, close }: { of: Tag; close: () => void }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const { count } = useFormat();
  const client = useQueryClient();
  const tags = useTags();
  const undo = useUndo();
  const [into, setInto] = useState<string | null>(null);
  const params = { path: { ...path, tag: of.id } };
  const merge = useAction(async (target: string, headers) => {
    const done = await read(api.POST(`${one}/merge`, { params, body: { into: target }, headers }));
    await client.invalidateQueries({ queryKey: ["friend"] });
    undo.offer({
      text: t("tag.merged", { name: of.name, other: done.name }),
      undo: async () => {
        await read(api.POST(`${one}/restore`, { params }));
        await client.invalidateQueries({ queryKey: ["friend"] });
      },
    });
    close();
    return done;
  });
  return (
    <Modal opened onClose={close} title={t("tag.mergeTitle", { name: of.name })}>
      <Stack>
        <Text size="sm">{t("tag.mergeText", { n: count(of.friends), name: of.name })}</Text>
        <Select
          label={t("tag.mergeInto")}
          data={(tags.data?.items ?? [])
            .filter((x) => x.id !== of.id)
            .map((x) => ({ value: x.id, label: x.name }))}
          value={into}
          onChange={setInto}
        />
        {merge.error && <Failed error={merge.error} what="tag.failed" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>
            {t("common.cancel")}
          </Button>
          <Button disabled={!into} loading={merge.busy} onClick={() => into && merge.run(into)}>
            {t("tag.mergeDo")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
