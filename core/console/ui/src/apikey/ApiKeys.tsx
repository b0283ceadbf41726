import { Alert, Anchor, Button, Checkbox, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read, type Schema } from "../api";
import {
  type Column,
  Confirm,
  CopyField,
  DataTable,
  Empty,
  Failed,
  Page,
  State,
  useAction,
  usePages,
  When,
} from "../parts";
import { usePlace } from "../place";

type Key = Schema<"APIKeyView">;

const areas = ["friends", "linking", "messages", "flows", "settings"];

// ApiKeys are the programs that may use the API, and how far each reaches.
export function ApiKeys() {
  const { t } = useTranslation();
  const { path, channels } = usePlace();
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<Key>();
  const pages = usePages<Key>({
    queryKey: ["apikey", path.merchant],
    fetch: (_, signal) =>
      read(api.GET("/merchants/{merchant}/api_keys", { params: { path }, signal })).then((l) => ({
        ...l,
        total: l.items.length,
      })),
  });
  const name = (id: string) => channels.find((c) => c.id === id)?.name ?? id;
  const columns: Column<Key>[] = [
    { key: "name", title: t("apikey.name"), cell: (k) => k.name },
    {
      key: "state",
      title: t("apikey.state"),
      card: "state",
      cell: (k) => <State of={k.revoked_at ? "ended" : "valid"} words="apikey.is" />,
    },
    { key: "end", title: t("apikey.ends"), cell: (k) => `lak_…${k.last4}` },
    {
      key: "rights",
      title: t("apikey.rights"),
      card: "fact",
      cell: (k) =>
        Object.entries(k.rights)
          .map(([area, right]) => `${t(`apikey.area.${area}`)}: ${t(`apikey.right.${right}`)}`)
          .join(" · "),
    },
    {
      key: "accounts",
      title: t("apikey.accounts"),
      cell: (k) => (k.channels.length ? k.channels.map(name).join(", ") : t("apikey.all")),
    },
    {
      key: "expires",
      title: t("apikey.expires"),
      cell: (k) => (k.expires_at ? <When at={k.expires_at} full /> : "-"),
    },
    {
      key: "used",
      title: t("apikey.used"),
      card: "fact",
      cell: (k) => (k.last_used_at ? <When at={k.last_used_at} /> : t("apikey.never")),
    },
    {
      key: "do",
      title: t("apikey.do"),
      card: "actions",
      cell: (k) =>
        !k.revoked_at && (
          <Button size="compact-sm" variant="subtle" onClick={() => setEnding(k)}>
            {t("apikey.revoke")}
          </Button>
        ),
    },
  ];
  const make = <Button onClick={() => setMaking(true)}>{t("apikey.new")}</Button>;
  return (
    <Page
      title={t("menu.apiKeys")}
      lead={
        <>
          {t("apikey.lead")} <Anchor href="/api/openapi.json">{t("apikey.description")}</Anchor>
        </>
      }
      actions={pages.rows.length > 0 && make}
    >
      <DataTable
        caption={t("menu.apiKeys")}
        columns={columns}
        pages={pages}
        id={(k) => k.id}
        failed="apikey.failed"
        empty={<Empty kind="new" title={t("apikey.none")} text={t("apikey.why")} action={make} />}
      />
      {making && <Make close={() => setMaking(false)} />}
      {ending && <Revoke of={ending} close={() => setEnding(undefined)} />}
    </Page>
  );
}

function Revoke({ of: k, close }: { of: Key; close: () => void }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const client = useQueryClient();
  const revoke = useAction<void, unknown>(async (_, headers) => {
    const done = await read(
      api.POST("/merchants/{merchant}/api_keys/{key}/revoke", {
        params: { path: { ...path, key: k.id } },
        headers,
      }),
    );
    await client.invalidateQueries({ queryKey: ["apikey"] });
    close();
    return done;
  });
  return (
    <Confirm
      opened
      close={close}
      title={t("apikey.revokeTitle", { name: k.name })}
      verb={t("apikey.revokeDo")}
      action={revoke}
      failed="apikey.failed"
      danger
    >
      <Text size="sm">{t("apikey.revokeText")}</Text>
    </Confirm>
  );
}

// Make asks what the key may do, and shows its secret this once.
function Make({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const { path, channels } = usePlace();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [rights, setRights] = useState<Record<string, string>>({ friends: "read" });
  const [only, setOnly] = useState<string[]>([]);
  const [days, setDays] = useState<string | null>("365");
  const make = useAction(async (_: undefined, headers) => {
    const done = await read(
      api.POST("/merchants/{merchant}/api_keys", {
        params: { path },
        headers,
        body: {
          name,
          rights,
          channels: only,
          expires_at: days ? new Date(Date.now() + Number(days) * 86_400_000).toISOString() : undefined,
        },
      }),
    );
    await client.invalidateQueries({ queryKey: ["apikey"] });
    return done;
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.run(undefined);
  };
  const give = (area: string, right: string | null) =>
    setRights((old) => {
      const { [area]: _, ...others } = old;
      return right ? { ...others, [area]: right } : others;
    });
  const fields = make.error && "fields" in make.error ? (make.error.fields as Record<string, string>) : {};
  if (make.result)
    return (
      <Modal opened onClose={close} title={t("apikey.made")} closeOnClickOutside={false}>
        <Stack>
          <Alert role="note">{t("apikey.once")}</Alert>
          <CopyField label={t("apikey.secret")} value={make.result.secret} />
          <Button onClick={close}>{t("apikey.kept")}</Button>
        </Stack>
      </Modal>
    );
  return (
    <Modal opened onClose={close} title={t("apikey.new")}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={t("apikey.name")}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            error={fields.name}
            data-autofocus
          />
          {areas.map((area) => (
            <Select
              key={area}
              label={t(`apikey.area.${area}`)}
              placeholder={t("apikey.right.none")}
              clearable
              data={["read", "write", "manage"].map((r) => ({ value: r, label: t(`apikey.right.${r}`) }))}
              value={rights[area] ?? null}
              onChange={(right) => give(area, right)}
            />
          ))}
          {fields.rights && (
            <Text size="sm" c="var(--lumo-bad)" role="alert">
              {fields.rights}
            </Text>
          )}
          <Checkbox.Group
            label={t("apikey.accounts")}
            description={t("apikey.allHint")}
            value={only}
            onChange={setOnly}
          >
            <Group mt={4}>
              {channels.map((c) => (
                <Checkbox key={c.id} value={c.id} label={c.name} />
              ))}
            </Group>
          </Checkbox.Group>
          <Select
            label={t("apikey.expires")}
            clearable
            placeholder={t("apikey.noEnd")}
            data={["30", "90", "365"].map((n) => ({ value: n, label: t("apikey.inDays", { n }) }))}
            value={days}
            onChange={setDays}
          />
          {make.error && !fields.name && !fields.rights && <Failed error={make.error} what="apikey.failed" />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t("common.cancel")}
            </Button>
            <Button type="submit" loading={make.busy}>
              {t("apikey.make")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
