import { Alert, Badge, Button, Card, Code, Group, Stack, Table, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api, read } from "../api";
import { Failed, Loading, Moves, Page, Result, State, useAction, useFormat, When, Wizard } from "../parts";
import { usePlace } from "../place";

const outcomes = ["connected", "refused", "failed"];

// KlaviyoWizard goes from who may approve to a test with an example customer.
export function KlaviyoWizard() {
  const { t } = useTranslation();
  const { merchant, channels, mayManage, shop } = usePlace();
  const { count } = useFormat();
  const [params, setParams] = useSearchParams();
  const client = useQueryClient();
  const path = { merchant: merchant.id };
  const found = useQuery({
    queryKey: ["connection", "klaviyo", merchant.id],
    queryFn: () => read(api.GET("/merchants/{merchant}/klaviyo", { params: { path } })),
  });
  const approve = useAction(async (_: undefined, headers) => {
    const answer = await read(
      api.POST("/merchants/{merchant}/klaviyo/connect", { params: { path }, headers }),
    );
    location.assign(answer.authorize_url);
  });
  const test = useAction(async (_: undefined, headers) => {
    const example = await read(api.POST("/merchants/{merchant}/klaviyo/test", { params: { path }, headers }));
    await client.invalidateQueries({ queryKey: ["connection"] });
    return example;
  });
  if (found.isPending) return <Loading />;
  if (found.error)
    return <Failed error={found.error} again={() => found.refetch()} what="connection.failed" />;
  const k = found.data;
  const on = k.state === "working";
  const result = params.get("result") ?? "";
  const go = (step: string) => setParams({ step });
  const connect = mayManage && (
    <Result of={approve} what="connection.klaviyo.failed">
      <Button onClick={() => approve.run(undefined)} loading={approve.busy}>
        {t(k.id ? "connection.klaviyo.again" : "connection.klaviyo.connect")}
      </Button>
    </Result>
  );
  const steps = [
    {
      id: "who",
      title: t("connection.klaviyo.step.who"),
      done: on,
      content: (
        <Stack>
          <Text>{t("connection.klaviyo.who")}</Text>
          <Text c="dimmed">{t("connection.klaviyo.campaign")}</Text>
          <Moves next={() => go("rights")} />
        </Stack>
      ),
    },
    {
      id: "rights",
      title: t("connection.klaviyo.step.rights"),
      done: on,
      content: (
        <Stack>
          <Table.ScrollContainer
            minWidth={420}
            type="native"
            tabIndex={0}
            role="group"
            aria-label={t("connection.klaviyo.step.rights")}
          >
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("connection.klaviyo.right")}</Table.Th>
                  <Table.Th>{t("connection.klaviyo.why")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {k.permissions.map((p) => (
                  <Table.Tr key={p.scope}>
                    <Table.Td>
                      <Code>{p.scope}</Code> {p.granted && <Badge>{t("connection.klaviyo.granted")}</Badge>}
                    </Table.Td>
                    <Table.Td>{t(`connection.scopeReason.${p.reason}`)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          <Moves back={() => go("who")} next={() => go("approve")} />
        </Stack>
      ),
    },
    {
      id: "approve",
      title: t("connection.klaviyo.step.approve"),
      done: on,
      content: (
        <Stack>
          {on ? (
            <Text>
              {t("connection.klaviyo.is", { name: k.name })} {t("connection.klaviyo.refreshed")}{" "}
              <When at={k.refreshed_at} />
            </Text>
          ) : (
            <Text>{t("connection.klaviyo.go")}</Text>
          )}
          {connect}
          <Moves back={() => go("rights")} next={on ? () => go("accounts") : undefined} />
        </Stack>
      ),
    },
    {
      id: "accounts",
      title: t("connection.klaviyo.step.accounts"),
      done: on && channels.length > 0,
      content: (
        <Stack>
          <Text>{t("connection.klaviyo.names")}</Text>
          {channels.map((c) => (
            <Group key={c.id}>
              <Text>{c.name}</Text>
              <Code>LINE User ID{c.property_suffix}</Code>
            </Group>
          ))}
          {channels.length === 0 && <Text c="dimmed">{t("connection.klaviyo.noAccount")}</Text>}
          <Moves back={() => go("approve")} next={() => go("test")} />
        </Stack>
      ),
    },
    {
      id: "test",
      title: t("connection.klaviyo.step.test"),
      done: !!test.result,
      content: (
        <Stack>
          <Text>{t("connection.klaviyo.testWhat")}</Text>
          {mayManage && (
            <Result of={test} what="connection.klaviyo.testFailed" done="connection.klaviyo.tested">
              <Button onClick={() => test.run(undefined)} loading={test.busy} disabled={!on}>
                {t("connection.klaviyo.test")}
              </Button>
            </Result>
          )}
          {test.result && (
            <Card>
              <Text fw={600}>
                {test.result.profile.name} ({test.result.profile.email})
              </Text>
              {Object.entries(test.result.profile.properties).map(([name, value]) => (
                <Text key={name} size="sm">
                  {name}: {String(value)}
                </Text>
              ))}
              <Text size="sm" mt="xs">
                {test.result.event.metric} <When at={test.result.event.at} />
              </Text>
            </Card>
          )}
        </Stack>
      ),
    },
  ];
  return (
    <Page title={t("connection.klaviyo.title")} state={<State of={k.state} words="connection.state" />}>
      {outcomes.includes(result) && (
        <Alert color={result === "connected" ? "teal" : "red"} variant="light" role="status">
          {t(`connection.klaviyo.${result}`)}
        </Alert>
      )}
      {k.state === "reconnect" && !result && (
        <Alert color="red" variant="light">
          {t("connection.klaviyo.reconnect", { count: k.waiting_updates, n: count(k.waiting_updates) })}
        </Alert>
      )}
      <Card>
        <Wizard steps={steps} label={t("connection.klaviyo.title")} key={shop} />
      </Card>
    </Page>
  );
}
