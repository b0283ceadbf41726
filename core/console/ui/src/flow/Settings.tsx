import {
  Alert,
  Button,
  Card,
  Code,
  CopyButton,
  Group,
  Modal,
  NumberInput,
  Radio,
  Select,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type FlowKey, type FlowSettings, type GetJSON, get, type List, type Message, post } from "../api";
import { Failed, Loading, number, State, When } from "../parts";
import { usePlace } from "../shell";

// FlowSettingsPage holds the three things that a webhook in Klaviyo needs: URL, header, body.
export function FlowSettingsPage() {
  const { t } = useTranslation();
  const { at, channel, merchant } = usePlace();
  const settings = useQuery({
    queryKey: ["flow", "settings", channel?.id],
    queryFn: () => get<FlowSettings>(`${at}/flow_settings`),
  });
  if (settings.isPending) return <Loading />;
  if (settings.error)
    return <Failed error={settings.error} again={() => settings.refetch()} what="flow.failed" />;
  const mayChange = merchant.role === "owner" || merchant.role === "admin";
  return (
    <Stack>
      <Title order={1} size={20}>
        {t("menu.flowSettings")}
      </Title>
      <Card withBorder>
        <Stack gap="sm">
          <Copyable label={t("flow.settings.url")} value={settings.data.url} />
          <Copyable label={t("flow.settings.header")} value={settings.data.header} />
        </Stack>
      </Card>
      <Keys keys={settings.data.keys} mayChange={mayChange} />
      <Body />
    </Stack>
  );
}

function Copyable({ label, value, wide }: { label: string; value: string; wide?: boolean }) {
  const { t } = useTranslation();
  return (
    <div>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Group align="start" wrap={wide ? "wrap" : "nowrap"}>
        <Code block={wide} style={{ wordBreak: "break-all", whiteSpace: "pre-wrap", flex: 1, minWidth: 0 }}>
          {value}
        </Code>
        <CopyButton value={value}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? t("common.copied") : t("common.copy")}
            </Button>
          )}
        </CopyButton>
      </Group>
    </div>
  );
}

function Keys({ keys, mayChange }: { keys: FlowKey[]; mayChange: boolean }) {
  const { t, i18n } = useTranslation();
  const { at, merchant } = usePlace();
  const [shown, setShown] = useState<Record<string, string>>({});
  const [pasted, setPasted] = useState("");
  const [match, setMatch] = useState<{ match: string; last4?: string }>();
  const [opened, dialog] = useDisclosure();
  const [error, setError] = useState<Error>();
  const run = async (work: () => Promise<void>) => {
    setError(undefined);
    try {
      await work();
    } catch (e) {
      setError(e as Error);
    }
  };
  const reveal = (key: FlowKey) =>
    run(async () => {
      const answer = await post<{ value: string }>(`${at}/flow_keys/${key.id}/reveal`);
      setShown((all) => ({ ...all, [key.id]: answer.value }));
    });
  const compare = () => run(async () => setMatch(await post(`${at}/flow_keys/compare`, { value: pasted })));
  return (
    <Card withBorder>
      <Stack>
        <Group justify="space-between">
          <Title order={2} size="h5">
            {t("flow.settings.keys")}
          </Title>
          {mayChange && (
            <Button variant="default" onClick={dialog.open}>
              {t("flow.settings.reissue")}
            </Button>
          )}
        </Group>
        {error && <Failed error={error} what="flow.settings.failed" />}
        <Table.ScrollContainer minWidth={560}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("flow.settings.key")}</Table.Th>
                <Table.Th>{t("friend.state")}</Table.Th>
                <Table.Th>{t("flow.settings.lastUsed")}</Table.Th>
                <Table.Th ta="right">{t("flow.settings.calls")}</Table.Th>
                <Table.Th>{t("flow.settings.actions")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {keys.map((k) => (
                <Table.Tr key={k.id}>
                  <Table.Td>
                    <Code style={{ wordBreak: "break-all" }}>{shown[k.id] ?? `…${k.last4}`}</Code>
                  </Table.Td>
                  <Table.Td>
                    <State of={k.state} words="flow.keyState" />
                  </Table.Td>
                  <Table.Td>
                    <When at={k.last_used_at} timeZone={merchant.time_zone} />
                  </Table.Td>
                  <Table.Td ta="right">
                    {number(k.accepted_24h, i18n.language)} / {number(k.refused_24h, i18n.language)}
                  </Table.Td>
                  <Table.Td>
                    {mayChange && !shown[k.id] && (
                      <Button
                        size="xs"
                        variant="default"
                        onClick={() => reveal(k)}
                        aria-label={t("flow.settings.showKey", { last4: k.last4 })}
                      >
                        {t("flow.settings.show")}
                      </Button>
                    )}
                    {shown[k.id] && (
                      <CopyButton value={shown[k.id] ?? ""}>
                        {({ copied, copy }) => (
                          <Button size="xs" onClick={copy}>
                            {copied ? t("common.copied") : t("common.copy")}
                          </Button>
                        )}
                      </CopyButton>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        <Group align="end">
          <TextInput
            label={t("flow.settings.compare")}
            value={pasted}
            onChange={(e) => setPasted(e.currentTarget.value)}
            autoComplete="off"
            style={{ flex: 1 }}
            maw={420}
          />
          <Button variant="default" onClick={compare} disabled={!pasted.trim()}>
            {t("flow.settings.compareButton")}
          </Button>
          {match && (
            <Text size="sm" role="status">
              {t(`flow.match.${match.match}`, { last4: match.last4 })}
            </Text>
          )}
        </Group>
        <Reissue
          opened={opened}
          close={dialog.close}
          done={(id, value) => setShown((all) => ({ ...all, [id]: value }))}
          accepted={keys.reduce((n, k) => n + k.accepted_24h, 0)}
        />
      </Stack>
    </Card>
  );
}

function Reissue({
  opened,
  close,
  done,
  accepted,
}: {
  opened: boolean;
  close: () => void;
  done: (id: string, value: string) => void;
  accepted: number;
}) {
  const { t } = useTranslation();
  const { at, channel } = usePlace();
  const client = useQueryClient();
  const [mode, setMode] = useState(accepted > 0 ? "overlap" : "now");
  const [hours, setHours] = useState<number | string>(24);
  const [name, setName] = useState("");
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const made = await post<{ id: string; value: string }>(`${at}/flow_keys`, {
        mode,
        overlap_seconds: mode === "overlap" ? Number(hours) * 3600 : 0,
        confirm_name: name,
      });
      done(made.id, made.value);
      await client.invalidateQueries({ queryKey: ["flow", "settings"] });
      close();
    } catch (e) {
      setError(e as Error);
    }
    setBusy(false);
  };
  return (
    <Modal opened={opened} onClose={close} title={t("flow.settings.reissue")}>
      <Stack>
        {accepted > 0 && (
          <Alert color="yellow" variant="light">
            {t("flow.settings.reissueWarning", { n: accepted })}
          </Alert>
        )}
        {error && <Failed error={error} what="flow.settings.failed" />}
        <Radio.Group value={mode} onChange={setMode} label={t("flow.settings.how")}>
          <Stack gap="xs" mt="xs">
            <Radio value="overlap" label={t("flow.settings.keepBoth")} />
            <Radio value="now" label={t("flow.settings.stopNow")} />
          </Stack>
        </Radio.Group>
        {mode === "overlap" ? (
          <NumberInput label={t("flow.settings.hours")} value={hours} onChange={setHours} min={1} max={168} />
        ) : (
          <TextInput
            label={t("flow.settings.typeName", { name: channel?.name })}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
          />
        )}
        <Group justify="end">
          <Button variant="default" onClick={close} data-autofocus>
            {t("common.cancel")}
          </Button>
          <Button onClick={go} loading={busy} disabled={mode === "now" && name.trim() !== channel?.name}>
            {t("flow.settings.makeKey")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Body() {
  const { t } = useTranslation();
  const { at, channel } = usePlace();
  const [message, setMessage] = useState("");
  const messages = useQuery({
    queryKey: ["message", channel?.id],
    queryFn: () => get<List<Message>>(`${at}/messages`),
  });
  const json = useQuery({
    queryKey: ["json", channel?.id, message],
    queryFn: () => get<GetJSON>(`${at}/get_json${message ? `?message=${message}` : ""}`),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const choices = [
    { value: "", label: t("flow.directText") },
    ...(messages.data?.items ?? []).map((m) => ({ value: m.id, label: m.name })),
  ];
  return (
    <Card withBorder>
      <Stack>
        <Title order={2} size="h5">
          {t("flow.getJson.title")}
        </Title>
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
        {json.error && <Failed error={json.error} again={() => json.refetch()} what="flow.failed" />}
        {json.data && <Copyable label={t("flow.getJson.body")} value={json.data.body} wide />}
      </Stack>
    </Card>
  );
}
