import { Anchor, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { When } from "../parts";
import style from "../parts/parts.module.css";
import type { LogLine } from "./data";

// Log is what happened, newest first, in sentences.
export function Log({ lines, title, linked }: { lines: LogLine[]; title: string; linked?: boolean }) {
  const { t } = useTranslation();
  if (lines.length === 0) return <Text size="sm">{t("ops.log.empty")}</Text>;
  return (
    <Table>
      <Table.Caption className={style.caption}>{title}</Table.Caption>
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={{ base: 100, sm: 150 }}>{t("ops.log.at")}</Table.Th>
          <Table.Th>{t("ops.log.what")}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {lines.map((l) => (
          <Table.Tr key={l.id}>
            <Table.Td>
              <When at={l.at} />
            </Table.Td>
            <Table.Td style={{ overflowWrap: "anywhere" }}>
              <Sentence of={l} />{" "}
              {linked && l.edge_id && (
                <Anchor component={Link} to={`/ops/edges/${l.edge_id}`} size="sm">
                  {t("ops.log.edge")}
                </Anchor>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Sentence({ of: l }: { of: LogLine }) {
  const { t } = useTranslation();
  const data = l.data as Record<string, unknown>;
  const trouble = (data.trouble as string[] | undefined) ?? [];
  return (
    <>
      {t(`ops.log.${wordsOf(l.action, data)}`, {
        who: l.by || t("ops.log.nobody"),
        name: (data.name as string) || t("ops.log.unnamed"),
        version: data.version ?? "-",
        undoes: data.undoes ?? "-",
        reason: t(`${l.action === "sending_stopped" ? "sending.why" : "ops.refusal"}.${data.reason}`),
        trouble: trouble.map((one) => t(`ops.trouble.${one}`)).join(", "),
      })}
      {typeof data.detail === "string" && (
        <Text size="xs" c="dimmed">
          {t("ops.refusal.details", { detail: data.detail })}
        </Text>
      )}
    </>
  );
}

// wordsOf names the sentence of an action, which may have another one for the same end.
function wordsOf(action: string, data: Record<string, unknown>) {
  if (action === "trouble" && !(data.trouble as string[] | undefined)?.length) return "trouble_over";
  if (action === "modules_refused" && !data.version) return "modules_refused_unread";
  return action;
}
