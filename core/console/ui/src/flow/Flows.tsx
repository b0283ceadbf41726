import { Card, Table, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Schema } from "../api";
import { Reason, Trend, useFormat } from "../parts";

// Flows is each flow with its last day: how it stands in Klaviyo, calls, what became of them.
export function Flows({ of }: { of: Schema<"FlowView">[] }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  if (of.length === 0) return null;
  return (
    <Card withBorder>
      <Title order={2} size="h5" mb="xs">
        {t("flow.flows.title")}
      </Title>
      <Table.ScrollContainer
        minWidth={640}
        type="native"
        tabIndex={0}
        role="group"
        aria-label={t("flow.flows.title")}
      >
        <Table>
          <Table.Thead>
            <Table.Tr>
              {["name", "status", "calls", "sent", "notSent", "delay"].map((c) => (
                <Table.Th key={c}>{t(`flow.flows.${c}`)}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {of.map((f) => (
              <Table.Tr key={f.id}>
                <Table.Td>{f.name || t("flow.flows.unnamed", { id: f.id })}</Table.Td>
                <Table.Td>{t(`flow.status.${f.status ?? ""}`)}</Table.Td>
                <Table.Td>
                  {count(f.calls_24h)}
                  <Trend data={f.hours} />
                </Table.Td>
                <Table.Td>{count(f.sent_24h)}</Table.Td>
                <Table.Td>
                  {count(f.not_sent_24h)}
                  {f.top_reason && <Reason code={f.top_reason} next={false} />}
                </Table.Td>
                <Table.Td>
                  <Text size="sm">
                    {f.delay_seconds === undefined
                      ? "-"
                      : t("flow.flows.minutes", { m: Math.round(f.delay_seconds / 60) })}
                  </Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Card>
  );
}
