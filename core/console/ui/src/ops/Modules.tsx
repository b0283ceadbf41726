import { Alert, Anchor, Button, Card, Code, Group, Progress, Stack, Table, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, read, type Schema } from "../api";
import { Empty, Failed, Page, State, useAction, useFormat, When } from "../parts";
import style from "../parts/parts.module.css";
import { type ModuleSet, useModules } from "./data";
import { Fresh, Refused } from "./Parts";

// Modules are the signed sets that edges run: how far each came, who refused it, the way back.
export function Modules() {
  const { t } = useTranslation();
  const found = useModules();
  return (
    <Page title={t("ops.modules.title")} lead={t("ops.modules.lead")}>
      <Fresh of={found} failed="ops.failed">
        {(data) => <Shown of={data} />}
      </Fresh>
    </Page>
  );
}

function Shown({ of }: { of: Schema<"ModulesView"> }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  return (
    <>
      {!of.signing_key && (
        <Alert color="yellow" variant="light" icon={<IconAlertTriangle stroke={1.5} />} role="status">
          <Text size="sm">{t("ops.modules.noKey")}</Text>
        </Alert>
      )}
      {of.built_in > 0 && of.sets.length > 0 && (
        <Text size="sm">{t("ops.modules.own", { count: of.built_in, n: count(of.built_in) })}</Text>
      )}
      {of.sets.length === 0 ? (
        <Empty kind="new" title={t("ops.modules.none")} text={t("ops.modules.why")} />
      ) : (
        <Stack>
          {of.sets.map((s) => (
            <OneSet key={s.version} of={s} edges={of.edges} />
          ))}
        </Stack>
      )}
    </>
  );
}

function OneSet({ of: s, edges }: { of: ModuleSet; edges: number }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const client = useQueryClient();
  const back = useAction(async (_: undefined, headers) => {
    const done = await read(
      api.POST("/ops/modules/{version}/roll_back", { params: { path: { version: s.version } }, headers }),
    );
    client.setQueryData(["ops modules"], done);
  });
  const title = t("ops.modules.version", { n: s.version });
  const live = t("ops.modules.live", { n: count(s.live), of: count(edges) });
  return (
    <Card component="section" aria-label={title}>
      <Stack gap="sm">
        <Group justify="space-between" align="start">
          <div>
            <Group gap="sm">
              <Title order={2} size="h4">
                {title}
              </Title>
              <State of={s.state} words="ops.modules.state" />
            </Group>
            <Text size="sm" c="dimmed" component="div">
              {s.undoes
                ? t("ops.modules.undoes", { n: s.undoes, who: s.by || t("ops.log.nobody") })
                : t("ops.modules.published", { who: s.by || t("ops.log.nobody") })}{" "}
              <When at={s.published_at} />
            </Text>
          </div>
          {s.can_roll_back && (
            <Button variant="default" onClick={() => back.run(undefined)} loading={back.busy}>
              {t("ops.modules.back")}
            </Button>
          )}
        </Group>
        {back.error && <Failed error={back.error} what="ops.modules.backFailed" />}
        {back.lost && (
          <Text size="sm" role="status">
            {t("common.checking")}
          </Text>
        )}
        {s.state === "live" && (
          <div>
            <Text size="sm" role="status">
              {live}
            </Text>
            <Progress
              value={edges > 0 ? (s.live / edges) * 100 : 0}
              color={s.refused.length > 0 ? "var(--lumo-held)" : "var(--lumo-accent)"}
              aria-label={live}
              mt={4}
            />
          </div>
        )}
        {s.refused.map((r) => (
          <Alert
            key={r.edge_id}
            color="red"
            variant="light"
            icon={<IconAlertTriangle stroke={1.5} />}
            title={t("ops.modules.refused", { name: r.name })}
          >
            <Refused reason={r.reason} detail={r.detail} />
            <Anchor component={Link} to={`/ops/edges/${r.edge_id}`} size="sm" c="inherit" td="underline">
              {t("ops.log.edge")}
            </Anchor>
          </Alert>
        ))}
        <Table>
          <Table.Caption className={style.caption}>{t("ops.modules.files", { n: s.version })}</Table.Caption>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("ops.modules.module")}</Table.Th>
              <Table.Th>{t("ops.edge.version")}</Table.Th>
              <Table.Th>SHA-256</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {s.modules.map((m) => (
              <Table.Tr key={m.name}>
                <Table.Td>{m.name}</Table.Td>
                <Table.Td>{m.version}</Table.Td>
                <Table.Td>
                  <Code title={m.sha256}>{m.sha256.slice(0, 12)}</Code>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Stack>
    </Card>
  );
}
