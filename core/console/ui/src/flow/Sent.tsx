import { Code, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Copy, Fold } from "../parts";

// Sent folds out what LINE got, exactly as it went over the wire.
export function Sent({ json }: { json: string }) {
  const { t } = useTranslation();
  return (
    <Fold title={t("flow.sent.title")}>
      <section aria-label={t("flow.sent.title")}>
        <Group justify="space-between" align="start" wrap="nowrap" mb={4}>
          <Text size="sm" c="dimmed">
            {t("flow.sent.how")}
          </Text>
          <Copy value={json} what={t("flow.sent.title")} />
        </Group>
        <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {json}
        </Code>
      </section>
    </Fold>
  );
}
