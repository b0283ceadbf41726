import { Button, Card, Checkbox, Stack, Switch, Table, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, get, type List, read, type Schema } from "../api";
import { Failed, Loading, Page, Section, useAction } from "../parts";
import { usePlace } from "../place";
import type { Import } from "./CheckTable";
import { ImportRun } from "./ImportRun";

type View = Schema<"AutomaticView">;
type Kind = "email" | "phone";

// Automatic links friends by their own email or phone. A kind is turned on after a check.
export function Automatic() {
  const { t } = useTranslation();
  const { at, path, channel, mayManage } = usePlace();
  const client = useQueryClient();
  const view = useQuery({
    queryKey: ["linking", "automatic", channel?.id],
    queryFn: () => get<View>(`${at}/automatic`),
  });
  const checks = useQuery({
    queryKey: ["run", "automatic", channel?.id],
    queryFn: () => get<List<Import>>(`${at}/automatic/checks`),
  });
  const again = async () => {
    await client.invalidateQueries({ queryKey: ["linking", "automatic"] });
    await client.invalidateQueries({ queryKey: ["run"] });
  };
  const check = useAction(async (kinds: Record<Kind, boolean>, headers) => {
    const done = await read(
      api.POST("/merchants/{merchant}/channels/{channel}/automatic/check", {
        params: { path },
        body: kinds,
        headers,
      }),
    );
    await again();
    return done;
  });
  const save = useAction(async (now: { email: boolean; phone: boolean; ask_email: boolean }) => {
    await read(
      api.PUT("/merchants/{merchant}/channels/{channel}/automatic", { params: { path }, body: now }),
    );
    await again();
  });
  if (view.isPending || checks.isPending) return <Loading page={t("linking.auto.title")} />;
  if (view.error)
    return (
      <Failed
        page={t("linking.auto.title")}
        error={view.error}
        again={() => view.refetch()}
        what="linking.failed"
      />
    );
  if (checks.error)
    return (
      <Failed
        page={t("linking.auto.title")}
        error={checks.error}
        again={() => checks.refetch()}
        what="linking.failed"
      />
    );
  const v = view.data;
  const now = { email: v.email, phone: v.phone, ask_email: v.ask_email };
  const last = checks.data.items[0];
  const turn = (kind: Kind, on: boolean) =>
    on
      ? check.run({ email: v.email || kind === "email", phone: v.phone || kind === "phone" })
      : save.run({ ...now, [kind]: false, ask_email: kind === "email" ? false : v.ask_email });
  return (
    <Page title={t("linking.auto.title")} lead={t("linking.auto.rule")}>
      <Card withBorder>
        <Stack>
          {(["email", "phone"] as const).map((kind) => (
            <Switch
              key={kind}
              label={t(`linking.auto.${kind}`)}
              description={kind === "phone" ? t("linking.auto.country", { country: v.country }) : undefined}
              checked={v[kind]}
              disabled={!mayManage || check.busy || save.busy}
              onChange={(e) => turn(kind, e.currentTarget.checked)}
            />
          ))}
          <Text size="sm" c="dimmed">
            {t("linking.auto.checkFirst")}
          </Text>
          <Checkbox
            label={t("linking.auto.ask")}
            description={t("linking.auto.askText")}
            checked={v.email && v.ask_email}
            disabled={!mayManage || !v.email || save.busy}
            onChange={(e) => save.run({ ...now, ask_email: e.currentTarget.checked })}
          />
          {(v.email || v.phone) && mayManage && (
            <Button
              variant="default"
              w="fit-content"
              onClick={() => check.run({ email: v.email, phone: v.phone })}
              loading={check.busy}
            >
              {t("linking.auto.again")}
            </Button>
          )}
          {check.error && <Failed error={check.error} what="linking.import.notStarted" />}
          {save.error && <Failed error={save.error} what="linking.notSaved" />}
        </Stack>
      </Card>
      <Examples of={v} />
      {last && (
        <Section
          title={t("linking.auto.last", {
            kinds: [last.email && t("linking.import.by.email"), last.phone && t("linking.import.by.phone")]
              .filter(Boolean)
              .join(" · "),
          })}
        >
          <ImportRun of={last} on={(v.email || !last.email) && (v.phone || !last.phone)} />
        </Section>
      )}
    </Page>
  );
}

// Examples show how values are brought into one form before they are compared.
function Examples({ of: v }: { of: View }) {
  const { t } = useTranslation();
  return (
    <Section title={t("linking.auto.examples")}>
      <Table aria-label={t("linking.auto.examples")} maw={520}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("linking.auto.before")}</Table.Th>
            <Table.Th>{t("linking.auto.after")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {v.examples.map((e) => (
            <Table.Tr key={e.before}>
              <Table.Td style={{ whiteSpace: "pre-wrap" }}>{e.before}</Table.Td>
              <Table.Td>{e.after}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}
