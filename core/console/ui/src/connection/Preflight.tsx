import { Alert, Group, List, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, read, type Schema } from "../api";
import { Failed, Loading, State, useFormat } from "../parts";
import { usePlace } from "../place";

export type Row = Schema<"PreflightRow">;

const look = 3000; // ms: "Use webhook" is noticed within five seconds

// Rows that stop the work while they are bad; the others are advice (UX 5.4).
const blocking = ["keys", "provider", "webhook_url", "use_webhook"];

// usePreflight looks again every few seconds while it is shown.
export function usePreflight(channel: string) {
  const { merchant } = usePlace();
  return useQuery({
    queryKey: ["connection", "preflight", channel],
    queryFn: () =>
      read(
        api.GET("/merchants/{merchant}/channels/{channel}/preflight", {
          params: { path: { merchant: merchant.id, channel } },
        }),
      ),
    refetchInterval: look,
  });
}

// rowOf is one row of a preflight that was read.
export const rowOf = (found: { rows: Row[] } | undefined, code: string) =>
  found?.rows.find((r) => r.code === code);

type Props = { channel: string; only?: string[] };

// Preflight is what is ready and what is missing: icon, sentence, how it is known, what to do.
export function Preflight({ channel, only }: Props) {
  const { t } = useTranslation();
  const found = usePreflight(channel);
  if (found.isPending) return <Loading shape="list" />;
  if (found.error)
    return <Failed error={found.error} again={() => found.refetch()} what="connection.failed" />;
  const rows = found.data.rows.filter((r) => !only || only.includes(r.code));
  const stops = rows.filter((r) => r.state === "bad" && blocking.includes(r.code)).length;
  return (
    <>
      {!only && (
        <Text role="status" fw={600}>
          {stops === 0
            ? t("connection.preflight.ready")
            : t("connection.preflight.stops", { count: stops, n: stops })}
        </Text>
      )}
      {rowOf(found.data, "provider")?.state === "bad" && (
        <Alert color="red" variant="light" role="alert">
          {t("connection.line.otherProvider")}
        </Alert>
      )}
      <List listStyleType="none" spacing="sm" aria-label={t("connection.line.step.preflight")}>
        {rows.map((r) => (
          <Line key={r.code} of={r} />
        ))}
      </List>
    </>
  );
}

function Line({ of }: { of: Row }) {
  const { t, i18n } = useTranslation();
  const say = useSentence();
  const fix = `connection.preflight.${of.code}.fix`;
  return (
    <List.Item data-row={of.code} data-state={of.state}>
      <Group align="start" wrap="nowrap" gap="sm">
        <div style={{ width: 116, flexShrink: 0 }}>
          <State of={of.state} words="connection.row" />
        </div>
        <div style={{ minWidth: 0 }}>
          <Text size="sm">{say(of)}</Text>
          {of.state !== "good" && i18n.exists(fix) && <Text size="sm">{t(fix)}</Text>}
          <Text size="xs" c="dimmed">
            {t(`connection.knownBy.${of.known_by}`)}
          </Text>
        </div>
      </Group>
    </List.Item>
  );
}

// useSentence puts a row into words: by its state, and by what is known of it.
function useSentence() {
  const { t } = useTranslation();
  const { count } = useFormat();
  const number = (v: unknown) => (typeof v === "number" ? count(v) : "-");
  return ({ code, state, detail }: Row) => {
    let key = `${code}.${state}`;
    if (code === "webhook_url" && state === "good" && detail.ms === undefined) key = "webhook_url.came";
    if (code === "webhook_url" && state === "bad" && detail.set === true) key = "webhook_url.silent";
    if (code === "quota" && detail.unlimited) key = "quota.unlimited";
    return t(`connection.preflight.${key}`, {
      host: String(detail.host ?? "-"),
      ms: number(detail.ms),
      left: number(detail.left),
      limit: number(detail.limit),
    });
  };
}
