import { Anchor, Group, Table, Text } from "@mantine/core";
import { type ReactNode, useContext } from "react";
import { useTranslation } from "react-i18next";
import { Bar, Section, Wide } from "../parts";
import { usePlace } from "../place";
import { Together, useWhose } from "./together";

type Column<R> = { name: string; of: (row: R) => ReactNode; words?: boolean };

type Props<R> = {
  title: string;
  first: string; // what a row is
  rows: R[];
  id: (row: R) => string;
  name: (row: R) => ReactNode;
  bar?: (row: R) => number; // what stands under its name as a bar
  channel?: (row: R) => string | undefined; // whose it is, a column where all LINE accounts are shown
  columns: Column<R>[];
  csv: string[]; // by what it can be had as a file
  range: string;
  none?: string; // said in place of a table without rows
  min: number; // px it is wide at least
};

// Listed are the figures of a range row by row: by message, by link, by code.
export function Listed<R>({
  title,
  first,
  rows,
  id,
  name,
  bar,
  channel,
  csv,
  range,
  none,
  min,
  ...of
}: Props<R>) {
  const { t } = useTranslation();
  const { at, merchant } = usePlace();
  const together = useContext(Together);
  const whose = useWhose();
  const account = {
    name: t("statistics.account"),
    of: (row: R) => whose(channel?.(row))?.name ?? "-",
    words: true,
  };
  const columns = together && channel ? [account, ...of.columns] : of.columns;
  const most = bar ? Math.max(1, ...rows.map(bar)) : 1;
  const files = csv.map((by) => (
    <Anchor
      key={by}
      href={`/api/v1${together ? `/merchants/${merchant.id}` : at}/statistics.csv?by=${by}&${range}`}
      size="sm"
      download
    >
      {t(`statistics.csv.${by}`)}
    </Anchor>
  ));
  return (
    <Section title={title} actions={<Group gap="md">{files}</Group>}>
      {none && rows.length === 0 ? (
        <Text size="sm">{none}</Text>
      ) : (
        <Wide label={title} min={min}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{first}</Table.Th>
                {columns.map((c) => (
                  <Table.Th key={c.name} ta={c.words ? undefined : "right"}>
                    {c.name}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Table.Tr key={id(row)}>
                  <Table.Th scope="row" style={{ overflowWrap: "anywhere", fontWeight: 400 }}>
                    {name(row)}
                    {bar && <Bar n={bar(row)} most={most} />}
                  </Table.Th>
                  {columns.map((c) => (
                    <Table.Td key={c.name} ta={c.words ? undefined : "right"}>
                      {c.of(row)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      )}
    </Section>
  );
}
