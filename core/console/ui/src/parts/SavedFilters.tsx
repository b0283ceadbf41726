import { Button, Divider, Group, Modal, Popover, Stack, Text, TextInput } from "@mantine/core";
import { IconBookmark, IconCheck } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, api, read, type Schema } from "../api";
import { usePlace } from "../place";
import { useAction } from "./action";
import type { useFilters } from "./Choices";
import { Empty } from "./Empty";
import { Failed, fieldError } from "./Failed";
import { composing } from "./SearchBox";
import { useUndo } from "./Undo";

const all = "/merchants/{merchant}/channels/{channel}/saved_filters" as const;

type Saved = Schema<"SavedFilterView">;
export type SavedList = Saved["list"];
type Props = { list: SavedList; filters: ReturnType<typeof useFilters> };

// SavedFilters keeps the filters in force under a name, and brings back those of before. They are
// the member's own.
export function SavedFilters({ list, filters }: Props) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const [shown, setShown] = useState(false);
  const [open, setOpen] = useState<"save" | "manage">();
  const saved = useQuery({
    queryKey: key(path.channel, list),
    queryFn: () => read(api.GET(all, { params: { path, query: { list } } })),
  });
  const items = saved.data?.items ?? [];
  const close = () => setOpen(undefined);
  const after = (done: () => void) => {
    setShown(false);
    done();
  };
  return (
    <>
      <Popover position="bottom-start" opened={shown} onChange={setShown} trapFocus returnFocus width={300}>
        <Popover.Target>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconBookmark size={14} stroke={1.5} aria-hidden="true" />}
            onClick={() => setShown(!shown)}
          >
            {t("common.saved.title")}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <Stack gap={4}>
            {saved.error && <Failed error={saved.error} what="common.saved.failed" />}
            {saved.isSuccess && items.length === 0 && <Text size="sm">{t("common.saved.none")}</Text>}
            <Stack gap={0} mah={300} style={{ overflowY: "auto" }}>
              {items.map((one) => (
                <Pick
                  key={one.id}
                  text={one.name}
                  inForce={same(one.values, filters.values)}
                  pick={() => after(() => filters.choose(one.values))}
                />
              ))}
            </Stack>
            {items.length > 0 && <Divider />}
            {filters.any ? (
              <Pick text={t("common.saved.save")} pick={() => after(() => setOpen("save"))} />
            ) : (
              <Text size="sm" c="dimmed">
                {t("common.saved.chooseFirst")}
              </Text>
            )}
            {items.length > 0 && (
              <Pick text={t("common.saved.manage")} pick={() => after(() => setOpen("manage"))} />
            )}
          </Stack>
        </Popover.Dropdown>
      </Popover>
      {open === "save" && <Save list={list} values={filters.values} close={close} />}
      {open === "manage" && <Manage list={list} items={items} close={close} />}
    </>
  );
}

const key = (channel: string, list: SavedList) => ["saved_filter", channel, list];

const same = (a: Record<string, string>, b: Record<string, string>) =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([k, v]) => b[k] === v);

type PickProps = { text: string; inForce?: boolean; pick: () => void };

function Pick({ text, inForce, pick }: PickProps) {
  const check = <IconCheck size={14} style={{ opacity: inForce ? 1 : 0 }} aria-hidden="true" />;
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      justify="flex-start"
      leftSection={inForce === undefined ? undefined : check}
      aria-current={inForce || undefined}
      onClick={pick}
      styles={{
        label: { whiteSpace: "normal", textAlign: "start" },
        root: { height: "auto", minHeight: 32 },
      }}
    >
      {text}
    </Button>
  );
}

function Save({
  list,
  values,
  close,
}: {
  list: SavedList;
  values: Record<string, string>;
  close: () => void;
}) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const client = useQueryClient();
  const save = useAction(async (name: string, headers) => {
    const done = await read(api.POST(all, { params: { path }, body: { list, name, values }, headers }));
    await client.invalidateQueries({ queryKey: key(path.channel, list) });
    close();
    return done;
  });
  return (
    <Modal opened onClose={close} title={t("common.saved.saveTitle")}>
      <NameForm text={t("common.saved.own")} action={save} button={t("common.saved.do")} back={close} />
    </Modal>
  );
}

type NameFormProps = {
  of?: string;
  text?: string;
  action: ReturnType<typeof useAction<string>>;
  button: string;
  back: () => void;
};

function NameForm({ of = "", text, action, button, back }: NameFormProps) {
  const { t } = useTranslation();
  const [name, setName] = useState(of);
  const taken = action.error instanceof ApiError && action.error.kind === "conflict";
  const field = fieldError(action.error, "name");
  const wrong = field && taken ? t("common.saved.taken") : field;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    action.run(name);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label={t("common.saved.name")}
          description={text}
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
          onKeyDown={(e) => e.key === "Enter" && composing(e) && e.preventDefault()}
          error={wrong}
          maxLength={80}
          data-autofocus
        />
        {action.error && !wrong && <Failed error={action.error} what="common.saved.failed" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={back}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" loading={action.busy} disabled={name.trim() === ""}>
            {button}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Manage({ list, items, close }: { list: SavedList; items: Saved[]; close: () => void }) {
  const { t } = useTranslation();
  const [renaming, setRenaming] = useState<string>();
  return (
    <Modal opened onClose={close} title={t("common.saved.manageTitle")}>
      <Stack gap="xs">
        {items.length === 0 && <Empty kind="good" title={t("common.saved.none")} />}
        {items.map((one) =>
          renaming === one.id ? (
            <Rename key={one.id} of={one} done={() => setRenaming(undefined)} />
          ) : (
            <Line key={one.id} of={one} list={list} rename={() => setRenaming(one.id)} close={close} />
          ),
        )}
      </Stack>
    </Modal>
  );
}

function Rename({ of, done }: { of: Saved; done: () => void }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const client = useQueryClient();
  const rename = useAction(async (name: string) => {
    const params = { path: { ...path, filter: of.id } };
    const renamed = await read(api.PATCH(`${all}/{filter}`, { params, body: { name } }));
    await client.invalidateQueries({ queryKey: key(path.channel, of.list) });
    done();
    return renamed;
  });
  return <NameForm of={of.name} action={rename} button={t("common.saved.rename")} back={done} />;
}

type LineProps = { of: Saved; list: SavedList; rename: () => void; close: () => void };

// Line deletes at once; what is deleted comes back by saving it again.
function Line({ of, list, rename, close }: LineProps) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const client = useQueryClient();
  const undo = useUndo();
  const again = () => client.invalidateQueries({ queryKey: key(path.channel, list) });
  const remove = useAction(async (_: undefined, headers) => {
    const params = { path: { ...path, filter: of.id } };
    const gone = await read(api.POST(`${all}/{filter}/delete`, { params, headers }));
    await again();
    const { name, values } = gone;
    undo.offer({
      text: t("common.saved.deleted", { name }),
      undo: async () => {
        await read(api.POST(all, { params: { path }, body: { list, name, values } }));
        await again();
      },
    });
    close();
    return gone;
  });
  return (
    <>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {of.name}
        </Text>
        <Group gap={4} wrap="nowrap">
          <Button
            size="compact-sm"
            variant="subtle"
            aria-label={t("common.saved.renameOne", { name: of.name })}
            onClick={rename}
          >
            {t("common.saved.rename")}
          </Button>
          <Button
            size="compact-sm"
            variant="subtle"
            aria-label={t("common.saved.deleteOne", { name: of.name })}
            loading={remove.busy}
            onClick={() => remove.run(undefined)}
          >
            {t("common.saved.delete")}
          </Button>
        </Group>
      </Group>
      {remove.error && <Failed error={remove.error} what="common.saved.failed" />}
    </>
  );
}
