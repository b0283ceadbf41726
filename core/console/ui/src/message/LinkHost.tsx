import { Alert, Button, Card, Group, List, Stack, Text, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read, type Schema } from "../api";
import {
  Confirm,
  CopyField,
  Failed,
  fieldError,
  Loading,
  Result,
  Section,
  State,
  useAction,
  useFormat,
  When,
} from "../parts";
import { usePlace } from "../place";

type Host = Schema<"LinkHostView">;

// How each state looks in the table of all states (UX 2.2).
const looks = { none: "off", waiting: "waiting", used: "good", lost: "bad" } as const;

// LinkHost is the shop's own host, with which tracked links begin while it leads to us.
export function LinkHost() {
  const { t } = useTranslation();
  const { path } = usePlace();
  const found = useQuery({
    queryKey: ["connection", "link_host", path.merchant],
    queryFn: ({ signal }) => read(api.GET("/merchants/{merchant}/link_host", { params: { path }, signal })),
  });
  return (
    <Section title={t("tracking.host")}>
      <Card>
        {found.isPending && <Loading shape="cards" />}
        {found.error && (
          <Failed error={found.error} again={() => found.refetch()} what="tracking.host.failed" />
        )}
        {found.data && <Stands of={found.data} />}
      </Card>
    </Section>
  );
}

function Stands({ of }: { of: Host }) {
  const { t } = useTranslation();
  const { channels } = usePlace();
  const [changing, change] = useState(false);
  const [removing, remove] = useState(false);
  const others = channels.length > 1 && ` ${t("tracking.host.all")}`;
  if (of.state === "none")
    return (
      <Stack gap="sm">
        <Text size="sm">
          {t("tracking.host.what", { target: of.target })}
          {others}
        </Text>
        <Enter of={of} />
      </Stack>
    );
  const since = of.state === "waiting" ? null : <When at={of.since} full />;
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Text fw={600} style={{ overflowWrap: "anywhere" }}>
          {of.host}
        </Text>
        <State of={looks[of.state]} words="tracking.host.is" />
        {since && (
          <Text size="sm" component="span">
            {t("tracking.host.since")} {since}
          </Text>
        )}
      </Group>
      <Text size="sm">
        {t(of.state === "used" ? "tracking.host.usedWhat" : "tracking.host.notUsed", {
          host: of.host,
          target: of.target,
        })}
        {others}
      </Text>
      <Checked of={of} />
      {of.state !== "used" && <Steps of={of} />}
      <Check of={of}>
        <Button variant="default" onClick={() => change(!changing)} aria-expanded={changing}>
          {t("tracking.host.change")}
        </Button>
        <Button variant="default" onClick={() => remove(true)}>
          {t("tracking.host.remove")}
        </Button>
      </Check>
      {changing && <Enter of={of} done={() => change(false)} />}
      <Remove of={of} opened={removing} close={() => remove(false)} />
    </Stack>
  );
}

// Checked says what the last check found, and what to do about it.
function Checked({ of }: { of: Host }) {
  const { t } = useTranslation();
  if (!of.checked_at) return null;
  const values = { host: of.host, target: of.target, found: of.found };
  if (!of.reason)
    return (
      <Text size="sm" c="dimmed">
        {t("tracking.host.checked")} <When at={of.checked_at} />
      </Text>
    );
  return (
    <Alert color={of.state === "lost" ? "red" : "yellow"} variant="light" role="status">
      <Text size="sm">
        {t("tracking.host.checked")} <When at={of.checked_at} />
      </Text>
      <Text size="sm" fw={600}>
        {t(`tracking.host.why.${of.reason}`, values)}
      </Text>
      <Text size="sm">{t(`tracking.host.cure.${of.reason}`, values)}</Text>
      {of.state === "used" && of.reason !== "edges" && (
        <Text size="sm">{t("tracking.host.failing", values)}</Text>
      )}
    </Alert>
  );
}

function Steps({ of }: { of: Host }) {
  const { t } = useTranslation();
  const values = { host: of.host, target: of.target };
  return (
    <List type="ordered" size="sm" spacing="sm" aria-label={t("tracking.host.steps")}>
      <List.Item>
        <Stack gap="xs">
          {t("tracking.host.step.point", values)}
          <CopyField label={t("tracking.host.target")} value={of.target} />
        </Stack>
      </List.Item>
      <List.Item>{t("tracking.host.step.certificate", values)}</List.Item>
      <List.Item>{t("tracking.host.step.check", values)}</List.Item>
    </List>
  );
}

// useHost does something with the host, and shows what came of it at once.
function useHost<I>(work: (input: I, headers: Record<"Idempotency-Key", string>) => Promise<Host>) {
  const { path } = usePlace();
  const client = useQueryClient();
  return useAction(async (input: I, headers) => {
    const now = await work(input, headers);
    client.setQueryData(["connection", "link_host", path.merchant], now);
    return now;
  });
}

function Check({ of, children }: { of: Host; children: React.ReactNode }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const check = useHost<undefined>((_, headers) =>
    read(api.POST("/merchants/{merchant}/link_host/check", { params: { path }, headers })),
  );
  const { time } = useFormat();
  return (
    <>
      <Group gap="xs">
        <Button
          variant={of.state === "used" ? "default" : "filled"}
          onClick={() => check.run(undefined)}
          loading={check.busy}
        >
          {t("tracking.host.check")}
        </Button>
        {children}
      </Group>
      <Text size="sm" role="status">
        {check.lost
          ? t("common.checking")
          : check.result && check.doneAt && !check.busy
            ? t(check.result.reason ? "tracking.host.checkedBad" : "tracking.host.checkedGood", {
                time: time(check.doneAt),
              })
            : ""}
      </Text>
      {check.error && <Failed error={check.error} what="tracking.host.checkFailed" />}
    </>
  );
}

// Enter takes another host. Where links were sent with the one that is there, it asks first.
function Enter({ of, done }: { of: Host; done?: () => void }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const [host, setHost] = useState("");
  const [asking, ask] = useState(false);
  const set = useHost<void>(async (_, headers) => {
    const now = await read(
      api.PUT("/merchants/{merchant}/link_host", { params: { path }, headers, body: { host } }),
    );
    done?.();
    return now;
  });
  const sent = of.state === "used" || of.state === "lost";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (sent) ask(true);
    else set.run();
  };
  const wrong = fieldError(set.error, "host");
  return (
    <form onSubmit={submit}>
      <Stack gap="sm" align="start">
        <TextInput
          label={t(done ? "tracking.host.newName" : "tracking.host.name")}
          placeholder="go.shop.example"
          value={host}
          onChange={(e) => setHost(e.currentTarget.value)}
          error={wrong}
          maxLength={300}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          w="100%"
          maw={400}
        />
        <Result of={wrong ? { busy: false, lost: false } : set} what="tracking.saveFailed">
          <Button type="submit" disabled={host.trim() === ""} loading={set.busy}>
            {t("tracking.host.set")}
          </Button>
        </Result>
      </Stack>
      <Confirm
        opened={asking && !wrong}
        close={() => ask(false)}
        title={t("tracking.host.changeTitle", { host: of.host })}
        verb={t("tracking.host.changeDo")}
        action={{
          ...set,
          run: async () => {
            const now = await set.run();
            ask(false);
            return now;
          },
        }}
        failed="tracking.saveFailed"
        danger
      >
        <Text size="sm">{t("tracking.host.sent", { host: of.host })}</Text>
        <Text size="sm" mt="xs">
          {t("tracking.host.changeText", { target: of.target })}
        </Text>
      </Confirm>
    </form>
  );
}

function Remove({ of, opened, close }: { of: Host; opened: boolean; close: () => void }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const remove = useHost<void>(async (_, headers) => {
    const now = await read(api.POST("/merchants/{merchant}/link_host/remove", { params: { path }, headers }));
    close();
    return now;
  });
  return (
    <Confirm
      opened={opened}
      close={close}
      title={t("tracking.host.removeTitle", { host: of.host })}
      verb={t("tracking.host.removeDo")}
      action={remove}
      failed="tracking.saveFailed"
      danger
    >
      {of.state !== "waiting" && <Text size="sm">{t("tracking.host.sent", { host: of.host })}</Text>}
      <Text size="sm" mt={of.state === "waiting" ? 0 : "xs"}>
        {t("tracking.host.removeText", { target: of.target })}
      </Text>
    </Confirm>
  );
}
