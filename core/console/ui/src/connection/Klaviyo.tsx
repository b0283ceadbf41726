import { Alert, Badge, Button, Card, Checkbox, Code, Group, List, Stack, Table, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api, read, type Schema } from "../api";
import {
  Failed,
  Loading,
  Moves,
  Page,
  Result,
  Section,
  State,
  useAction,
  useFormat,
  When,
  Wide,
  Wizard,
} from "../parts";
import { usePlace } from "../place";

type View = Schema<"KlaviyoView">;

const outcomes = ["connected", "refused", "failed"];
const properties = [
  "LINE User ID",
  "LINE Display Name",
  "LINE Follow Status",
  "LINE Consent",
  "LINE Consent Updated At",
  "LINE Consent Source",
];

// KlaviyoWizard goes from who may approve to a test with an example customer.
export function KlaviyoWizard() {
  const { t } = useTranslation();
  const { merchant, channels } = usePlace();
  const [params, setParams] = useSearchParams();
  const [repair, setRepair] = useState<boolean>();
  const found = useQuery({
    queryKey: ["connection", "klaviyo", merchant.id],
    queryFn: () =>
      read(api.GET("/merchants/{merchant}/klaviyo", { params: { path: { merchant: merchant.id } } })),
  });
  if (found.isPending) return <Loading page={t("connection.klaviyo.title")} />;
  if (found.error)
    return (
      <Failed
        page={t("connection.klaviyo.title")}
        error={found.error}
        again={() => found.refetch()}
        what="connection.failed"
      />
    );
  const k = found.data;
  const on = k.state === "working";
  const known = !!k.id; // who comes back to approve again has read the steps before
  const result = params.get("result") ?? "";
  const go = (step: string) => setParams({ step });
  const granted = k.permissions.some((p) => p.optional && p.granted);
  const step = (id: string, done: boolean, content: ReactNode) => ({
    id,
    title: t(`connection.klaviyo.step.${id}`),
    done,
    content: <Stack>{content}</Stack>,
  });
  const steps = [
    step(
      "who",
      known,
      <>
        <Text>{t("connection.klaviyo.who")}</Text>
        <Text>{t("connection.klaviyo.plan")}</Text>
        <Campaign />
        <Moves next={() => go("rights")} />
      </>,
    ),
    step(
      "rights",
      known,
      <>
        <Rights of={k.permissions.filter((p) => !p.optional)} />
        <Card>
          <Checkbox
            label={t("connection.klaviyo.repair")}
            description={t(granted ? "connection.klaviyo.repairGranted" : "connection.klaviyo.repairWhy")}
            checked={repair ?? granted}
            onChange={(e) => setRepair(e.currentTarget.checked)}
          />
        </Card>
        <Moves back={() => go("who")} next={() => go("approve")} />
      </>,
    ),
    step(
      "approve",
      on,
      <>
        <Standing of={k} />
        <Approve of={k} repair={repair ?? granted} />
        <Moves back={() => go("rights")} next={on ? () => go("accounts") : undefined} />
      </>,
    ),
    step(
      "accounts",
      on && channels.length > 0,
      <>
        <Names />
        <Moves back={() => go("approve")} next={() => go("test")} />
      </>,
    ),
    step("test", false, <Test on={on} />),
  ];
  return (
    <Page title={t("connection.klaviyo.title")} state={<State of={k.state} words="connection.state" />}>
      {outcomes.includes(result) && (
        <Alert color={result === "connected" ? "teal" : "red"} variant="light" role="status">
          {t(`connection.klaviyo.${result}`)}
        </Alert>
      )}
      {k.state === "reconnect" && <Waiting of={k} />}
      <Card>
        <Wizard steps={steps} label={t("connection.klaviyo.title")} />
      </Card>
    </Page>
  );
}

// Campaign answers the question where it comes up: campaigns of Klaviyo cannot call anybody.
function Campaign() {
  const { t } = useTranslation();
  return (
    <Section title={t("connection.klaviyo.campaignAsk")}>
      <Text size="sm">{t("connection.klaviyo.campaign")}</Text>
    </Section>
  );
}

function Waiting({ of }: { of: View }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  return (
    <Alert color="red" variant="light" role="alert">
      {t("connection.klaviyo.reconnect", { count: of.waiting_updates, n: count(of.waiting_updates) })}
    </Alert>
  );
}

// Rights are the permissions in words, each with its reason and the name that Klaviyo shows.
function Rights({ of }: { of: View["permissions"] }) {
  const { t } = useTranslation();
  return (
    <Wide label={t("connection.klaviyo.step.rights")} min={480}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("connection.klaviyo.right")}</Table.Th>
            <Table.Th>{t("connection.klaviyo.why")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((p) => (
            <Table.Tr key={p.scope}>
              <Table.Td>
                <Group gap="xs">
                  {t(`connection.scope.${p.scope}`)}
                  <Code>{p.scope}</Code>
                  {p.granted && <Badge variant="light">{t("connection.klaviyo.granted")}</Badge>}
                </Group>
              </Table.Td>
              <Table.Td>{t(`connection.scopeReason.${p.reason}`)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  );
}

// Standing says how the connection is, in words.
function Standing({ of }: { of: View }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  if (of.state !== "working")
    return <Text>{t(of.id ? "connection.klaviyo.goAgain" : "connection.klaviyo.go")}</Text>;
  return (
    <List size="sm" spacing={4}>
      <List.Item>{t("connection.klaviyo.is", { name: of.name })}</List.Item>
      <List.Item>
        {t("connection.klaviyo.refreshed")} <When at={of.refreshed_at} />
      </List.Item>
      <List.Item>
        {t("connection.lastContact")} <When at={of.last_contact_at} />
      </List.Item>
      <List.Item>{t("connection.klaviyo.alive")}</List.Item>
      <List.Item>
        {t("connection.klaviyo.waiting", { count: of.waiting_updates, n: count(of.waiting_updates) })}
      </List.Item>
    </List>
  );
}

function Approve({ of, repair }: { of: View; repair: boolean }) {
  const { t } = useTranslation();
  const { merchant, mayManage } = usePlace();
  const approve = useAction(async (_: undefined, headers) => {
    const answer = await read(
      api.POST("/merchants/{merchant}/klaviyo/connect", {
        params: { path: { merchant: merchant.id } },
        body: { repair_flows: repair },
        headers,
      }),
    );
    location.assign(answer.authorize_url);
  });
  if (!mayManage) return <Text c="dimmed">{t("connection.klaviyo.ask")}</Text>;
  return (
    <Result of={{ ...approve, doneAt: undefined }} what="connection.klaviyo.failed">
      <Button
        variant={of.state === "working" ? "default" : "filled"}
        onClick={() => approve.run(undefined)}
        loading={approve.busy}
      >
        {t(of.id ? "connection.klaviyo.again" : "connection.klaviyo.connect")}
      </Button>
    </Result>
  );
}

// Names are the properties that each LINE account writes to, for ever.
function Names() {
  const { t } = useTranslation();
  const { channels } = usePlace();
  if (channels.length === 0) return <Text>{t("connection.klaviyo.noAccount")}</Text>;
  return (
    <>
      <Text>{t("connection.klaviyo.names")}</Text>
      <Text>{t("connection.klaviyo.nothingIn")}</Text>
      {channels.map((c) => (
        <Section key={c.id} title={`${c.name} ${c.basic_id}`}>
          <Group gap="xs">
            {properties.map((p) => (
              <Code key={p}>
                {p}
                {c.property_suffix}
              </Code>
            ))}
          </Group>
        </Section>
      ))}
    </>
  );
}

// Test writes an example and shows it as Klaviyo has it.
function Test({ on }: { on: boolean }) {
  const { t } = useTranslation();
  const { merchant, mayManage } = usePlace();
  const client = useQueryClient();
  const test = useAction(async (_: undefined, headers) => {
    const example = await read(
      api.POST("/merchants/{merchant}/klaviyo/test", {
        params: { path: { merchant: merchant.id } },
        headers,
      }),
    );
    await client.invalidateQueries({ queryKey: ["connection"] });
    return example;
  });
  const example = test.result;
  return (
    <>
      <Text>{t("connection.klaviyo.testWhat")}</Text>
      {!on && <Text c="dimmed">{t("connection.klaviyo.testOff")}</Text>}
      {mayManage && (
        <Result of={test} what="connection.klaviyo.testFailed" done="connection.klaviyo.tested">
          <Button onClick={() => test.run(undefined)} loading={test.busy} disabled={!on}>
            {t("connection.klaviyo.test")}
          </Button>
        </Result>
      )}
      {example && (
        <>
          <Values
            title={t("connection.klaviyo.profile", { name: example.profile.name })}
            of={{ Email: example.profile.email, ...example.profile.properties }}
          />
          <Values
            title={t("connection.klaviyo.event", { name: example.event.metric })}
            of={{ Time: example.event.at, ...example.event.properties }}
          />
        </>
      )}
    </>
  );
}

// Values are names and values as Klaviyo writes them.
function Values({ title, of }: { title: string; of: Record<string, unknown> }) {
  return (
    <Section title={title}>
      <Table variant="vertical" layout="fixed" withTableBorder>
        <Table.Tbody>
          {Object.entries(of).map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th w="45%">{name}</Table.Th>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{String(value)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}
