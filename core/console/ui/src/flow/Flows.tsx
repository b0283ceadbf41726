import { Anchor, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schema } from "../api";
import { Section, Trend, useFormat, useShortReason, When, Wide } from "../parts";

type Flow = Schema<"FlowView">;

const columns = ["name", "status", "calls", "sent", "notSent", "failed", "delay"];

// Flows is each flow with its last day: how it stands in Klaviyo, calls, what became of them.
export function Flows({ of }: { of: Flow[] }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const short = useShortReason();
  if (of.length === 0) return null;
  return (
    <Section title={t("flow.flows.title")}>
      <Wide label={t("flow.flows.title")} min={640}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              {columns.map((c) => (
                <Table.Th key={c}>{t(`flow.flows.${c}`)}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {of.map((f) => (
              <Table.Tr key={f.id}>
                <Table.Td>{f.name || t("flow.flows.unnamed", { id: f.id })}</Table.Td>
                <Table.Td>
                  <Status of={f} />
                </Table.Td>
                <Table.Td>
                  <Anchor component={Link} to={`?flow=${f.id}`} inherit>
                    {count(f.calls_24h)}
                  </Anchor>
                  <Trend data={f.hours} />
                </Table.Td>
                <Table.Td>{count(f.sent_24h)}</Table.Td>
                <Table.Td>
                  {f.top_reason ? (
                    <Anchor component={Link} to={`?flow=${f.id}&reason=${f.top_reason}`} inherit>
                      {t("flow.flows.most", { n: count(f.not_sent_24h), reason: short(f.top_reason) })}
                    </Anchor>
                  ) : (
                    count(f.not_sent_24h)
                  )}
                </Table.Td>
                <Table.Td>{count(f.failed_24h)}</Table.Td>
                <Table.Td>
                  {f.delay_seconds === undefined
                    ? "-"
                    : t("flow.flows.minutes", { m: Math.round(f.delay_seconds / 60) })}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
    </Section>
  );
}

// Status is how the flow stood when Klaviyo was last asked.
function Status({ of }: { of: Flow }) {
  const { t } = useTranslation();
  return (
    <>
      {t(`flow.status.${of.status ?? ""}`)}
      {of.seen_at && (
        <Text size="xs" c="dimmed">
          {t("flow.flows.asOf")} <When at={of.seen_at} />
        </Text>
      )}
    </>
  );
}
