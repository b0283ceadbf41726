import {
  Alert,
  Button,
  Card,
  Code,
  Group,
  NumberInput,
  Radio,
  Select,
  Stack,
  Table,
  Text,
  TextInput,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type FlowKey, read, type Schema } from "../api";
import {
  Confirm,
  Copy,
  CopyField,
  Failed,
  Loading,
  Page,
  Section,
  State,
  useAction,
  useFormat,
  When,
  Wide,
} from "../parts";
import { usePlace } from "../place";
import { IntoFlows } from "./IntoFlows";
import { useFlowSettings } from "./useMayEdit";

const one = "/merchants/{merchant}/channels/{channel}" as const;

// FlowSettingsPage holds the three things that a webhook in Klaviyo needs: URL, header, body.
export function FlowSettingsPage() {
  const { t } = useTranslation();
  const settings = useFlowSettings();
  return (
    <Page title={t("menu.flowSettings")} lead={t("flow.settings.lead")}>
      {settings.isPending && <Loading shape="cards" />}
      {settings.error && (
        <Failed error={settings.error} again={() => settings.refetch()} what="flow.settings.notLoaded" />
      )}
      {settings.data && (
        <>
          <Card>
            <Stack gap="sm">
              <CopyField label={t("flow.settings.url")} value={settings.data.url} />
              <CopyField label={t("flow.settings.header")} value={settings.data.header} />
            </Stack>
          </Card>
          <Keys keys={settings.data.keys} mayEdit={settings.data.may_edit} />
          <Body />
        </>
      )}
    </Page>
  );
}

type Shown = Record<string, string>; // values by key id, while the page is open

function Keys({ keys, mayEdit }: { keys: FlowKey[]; mayEdit: boolean }) {
  const { t } = useTranslation();
  const { mayManage, mayChange, path } = usePlace();
  const [shown, show] = useState<Shown>({});
  const [opened, dialog] = useDisclosure();
  const reveal = useAction(async (id: string, headers) => {
    const answer = await read(
      api.POST(`${one}/flow_keys/{key}/reveal`, { params: { path: { ...path, key: id } }, headers }),
    );
    show((all) => ({ ...all, [id]: answer.value ?? "" }));
  });
  return (
    <Section
      title={t("flow.settings.keys")}
      actions={
        mayManage && (
          <Button variant="default" onClick={dialog.open}>
            {t("flow.settings.reissue")}
          </Button>
        )
      }
    >
      {reveal.error && <Failed error={reveal.error} what="flow.settings.notShown" />}
      <KeyTable keys={keys} shown={shown} reveal={mayManage ? reveal.run : undefined} />
      {mayChange && <Compare />}
      <UsedBy keys={keys} />
      {mayEdit && mayManage && <IntoFlows />}
      {opened && (
        <Reissue
          close={dialog.close}
          done={(id, value) => show((all) => ({ ...all, [id]: value }))}
          accepted={keys.reduce((n, k) => n + k.accepted_24h, 0)}
        />
      )}
    </Section>
  );
}

type TableProps = { keys: FlowKey[]; shown: Shown; reveal?: (id: string) => void };

function KeyTable({ keys, shown, reveal }: TableProps) {
  const { t } = useTranslation();
  const { count } = useFormat();
  return (
    <Wide label={t("flow.settings.keys")} min={640}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("flow.settings.key")}</Table.Th>
            <Table.Th>{t("friend.state")}</Table.Th>
            <Table.Th>{t("flow.settings.created")}</Table.Th>
            <Table.Th>{t("flow.settings.lastUsed")}</Table.Th>
            <Table.Th ta="right">{t("flow.settings.calls")}</Table.Th>
            {reveal && <Table.Th>{t("flow.settings.actions")}</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {keys.map((k) => (
            <Table.Tr key={k.id}>
              <Table.Td>
                <Code style={{ overflowWrap: "anywhere" }}>{shown[k.id] ?? `…${k.last4}`}</Code>
              </Table.Td>
              <Table.Td>
                <State of={k.state} words="flow.keyState" />
                {k.state === "overlap" && (
                  <Text size="xs" c="dimmed">
                    {t("flow.settings.until")} <When at={k.valid_until} full />
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                <When at={k.created_at} /> {k.created_by}
              </Table.Td>
              <Table.Td>
                <When at={k.last_used_at} />
              </Table.Td>
              <Table.Td ta="right">
                {count(k.accepted_24h)} / {count(k.refused_24h)}
              </Table.Td>
              {reveal && (
                <Table.Td>
                  {shown[k.id] ? (
                    <Copy value={shown[k.id] ?? ""} what={t("flow.settings.key")} />
                  ) : (
                    <Button
                      size="xs"
                      variant="default"
                      onClick={() => reveal(k.id)}
                      aria-label={t("flow.settings.showKey", { last4: k.last4 })}
                    >
                      {t("flow.settings.show")}
                    </Button>
                  )}
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  );
}

// Compare tells whether a key that stands in Klaviyo is this account's.
function Compare() {
  const { t } = useTranslation();
  const { path } = usePlace();
  const [value, setValue] = useState("");
  const compare = useAction((_: undefined, headers) =>
    read(api.POST(`${one}/flow_keys/compare`, { params: { path }, body: { value }, headers })),
  );
  const match = compare.result;
  return (
    <Stack gap="xs">
      <Group align="end">
        <TextInput
          label={t("flow.settings.compare")}
          value={value}
          onChange={(e) => setValue(e.currentTarget.value)}
          autoComplete="off"
          style={{ flex: 1 }}
          maw={420}
        />
        <Button
          variant="default"
          onClick={() => compare.run(undefined)}
          loading={compare.busy}
          disabled={!value.trim()}
        >
          {t("flow.settings.compareButton")}
        </Button>
      </Group>
      <Text size="sm" role="status">
        {match && t(`flow.match.${match.match}`, { last4: match.last4 })}
      </Text>
      {compare.error && <Failed error={compare.error} what="flow.settings.notCompared" />}
    </Stack>
  );
}

// useFlows are the flows that call this account, each with the key of its newest call.
function useFlows() {
  const { channel, path } = usePlace();
  return useQuery({
    queryKey: ["flow", "doctor", channel?.id],
    queryFn: () => read(api.GET(`${one}/flow_doctor`, { params: { path } })),
  });
}

// UsedBy lists which flow uses which key: after a reissue one sees them go over, call by call.
function UsedBy({ keys }: { keys: FlowKey[] }) {
  const { t } = useTranslation();
  const flows = useFlows().data?.flows ?? [];
  const valid = keys.filter((k) => k.state === "valid").map((k) => k.last4);
  if (flows.length === 0) return null;
  return (
    <Stack gap={4}>
      <Text fw={600} size="sm">
        {t("flow.settings.usedBy")}
      </Text>
      <Stack gap={4} component="ul" m={0} p={0} style={{ listStyle: "none" }}>
        {flows.map((f) => (
          <Group component="li" key={f.id} gap="xs">
            <State
              of={valid.includes(f.key_last4 ?? "") ? "valid" : "overlap"}
              words="flow.uses"
              values={{ last4: f.key_last4 || "-" }}
            />
            <Text size="sm">{f.name || t("flow.flows.unnamed", { id: f.id })}</Text>
          </Group>
        ))}
      </Stack>
    </Stack>
  );
}

type ReissueProps = { close: () => void; done: (id: string, value: string) => void; accepted: number };

// Reissue makes a new key: at once, which stops the old one, or with both for a while.
function Reissue({ close, done, accepted }: ReissueProps) {
  const { t } = useTranslation();
  const { channel, path } = usePlace();
  const { count } = useFormat();
  const client = useQueryClient();
  const flows = useFlows().data?.flows.filter((f) => f.calls_24h > 0).length ?? 0;
  const [mode, setMode] = useState<"now" | "overlap">("now");
  const [hours, setHours] = useState<number | string>(24);
  const name = channel?.name ?? "";
  const make = useAction<void, void>(async (_, headers) => {
    const body: Schema<"ReissueInputBody"> = {
      mode,
      overlap_seconds: mode === "overlap" ? Number(hours) * 3600 : 0,
      confirm_name: mode === "now" ? name : "",
    };
    const made = await read(api.POST(`${one}/flow_keys`, { params: { path }, body, headers }));
    done(made.id ?? "", made.value ?? "");
    await client.invalidateQueries({ queryKey: ["flow", "settings"] });
    close();
  });
  const asked = { label: t("flow.settings.typeName", { name }), expected: name };
  return (
    <Confirm
      opened
      close={close}
      title={t("flow.settings.reissue")}
      verb={t("flow.settings.makeKey")}
      action={make}
      failed="flow.settings.failed"
      type={mode === "now" ? asked : undefined}
    >
      <Stack>
        {accepted > 0 && (
          <Alert color="yellow" variant="light">
            {t("flow.settings.reissueWarning", { n: count(accepted), m: count(flows) })}
          </Alert>
        )}
        <Radio.Group value={mode} onChange={(v) => setMode(v as typeof mode)} label={t("flow.settings.how")}>
          <Stack gap="xs" mt="xs">
            <Radio value="now" label={t("flow.settings.stopNow")} />
            <Radio
              value="overlap"
              label={t("flow.settings.keepBoth")}
              description={accepted > 0 ? t("flow.settings.keepBothWhy") : undefined}
            />
          </Stack>
        </Radio.Group>
        {mode === "overlap" && (
          <NumberInput label={t("flow.settings.hours")} value={hours} onChange={setHours} min={1} max={168} />
        )}
      </Stack>
    </Confirm>
  );
}

// Body is what the webhook sends; each opening makes a new step.
function Body() {
  const { t } = useTranslation();
  const { channel, path } = usePlace();
  const [message, setMessage] = useState("");
  const messages = useQuery({
    queryKey: ["message", channel?.id],
    queryFn: () => read(api.GET(`${one}/messages`, { params: { path } })),
  });
  const json = useQuery({
    queryKey: ["json", channel?.id, message],
    queryFn: () => read(api.GET(`${one}/get_json`, { params: { path, query: message ? { message } : {} } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const choices = [
    { value: "", label: t("flow.directText") },
    ...(messages.data?.items ?? []).map((m) => ({ value: m.id, label: m.name })),
  ];
  return (
    <Section title={t("flow.getJson.title")}>
      <Text size="sm" c="dimmed">
        {t("flow.getJson.hidden")}
      </Text>
      <Select
        label={t("flow.getJson.which")}
        data={choices}
        value={message}
        onChange={(v) => setMessage(v ?? "")}
        allowDeselect={false}
        maw={420}
      />
      {json.isPending && <Loading shape="lines" />}
      {json.error && <Failed error={json.error} again={() => json.refetch()} what="flow.getJson.failed" />}
      {json.data && <CopyField label={t("flow.getJson.body")} value={json.data.body} block />}
    </Section>
  );
}
