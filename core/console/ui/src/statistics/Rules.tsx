import { Anchor, Stack, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Page } from "../parts";
import { usePlace } from "../place";

const rules = [
  "sent",
  "not_sent",
  "failed",
  "opened",
  "clicks",
  "clickers",
  "machines",
  "suspect",
  "raw",
  "line",
  "sales",
] as const;

// Rules says how each number is counted (UX 5.32).
export function Rules() {
  const { t } = useTranslation();
  const { base } = usePlace();
  return (
    <Page title={t("statistics.rules")}>
      <Stack maw={800}>
        <Table>
          <Table.Caption>{t("statistics.rules")}</Table.Caption>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("statistics.number")}</Table.Th>
              <Table.Th>{t("statistics.means")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rules.map((one) => (
              <Table.Tr key={one}>
                <Table.Th scope="row">{t(`statistics.of.${one}`)}</Table.Th>
                <Table.Td>
                  <Text size="sm">{t(`statistics.rule.${one}`)}</Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Anchor component={Link} to={`${base}/statistics`} w="fit-content">
          {t("menu.statistics")}
        </Anchor>
      </Stack>
    </Page>
  );
}
