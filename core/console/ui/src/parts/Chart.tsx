import { Button, Card, Group, Skeleton, Table, Text } from "@mantine/core";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import style from "./parts.module.css";

// Charts are heavy, so they come when the first is shown.
export const Sparkline = lazy(async () => ({ default: (await import("./charts")).Sparkline }));
export const BarChart = lazy(async () => ({ default: (await import("./charts")).BarChart }));
export const LineChart = lazy(async () => ({ default: (await import("./charts")).LineChart }));
export const BarsList = lazy(async () => ({ default: (await import("./charts")).BarsList }));
export const MatrixChart = lazy(async () => ({ default: (await import("./charts")).MatrixChart }));
export const BulletChart = lazy(async () => ({ default: (await import("./charts")).BulletChart }));

type Props = {
  title: string; // the sentence that the chart shows
  unit: string;
  unfinished?: boolean; // its last day has not ended: that bar is hatched
  columns: string[];
  rows: (string | number)[][]; // the same numbers as a table
  children: ReactNode;
  height?: number;
};

// Chart is a chart with its sentence, its unit, and the same as a table.
export function Chart({ title, unit, unfinished, columns, rows, children, height = 240 }: Props) {
  const { t } = useTranslation();
  const [asTable, setTable] = useState(false);
  return (
    <Card component="figure" m={0}>
      <Group justify="space-between" align="start" mb="xs">
        <figcaption>
          <Text fw={600}>{title}</Text>
          <Text size="xs" c="dimmed">
            {unit}
          </Text>
          {unfinished && (
            <Text size="xs" c="dimmed">
              {t("common.unfinished")}
            </Text>
          )}
        </figcaption>
        <Button size="compact-xs" variant="default" onClick={() => setTable(!asTable)} aria-pressed={asTable}>
          {t(asTable ? "common.asChart" : "common.asTable")}
        </Button>
      </Group>
      {asTable ? (
        <Table>
          <Table.Caption className={style.caption}>{title}</Table.Caption>
          <Table.Thead>
            <Table.Tr>
              {columns.map((c) => (
                <Table.Th key={c}>{c}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={row[0]}>
                {row.map((cell, i) => (
                  <Table.Td key={columns[i]}>{cell}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      ) : (
        <div aria-hidden="true">
          <Suspense fallback={<Skeleton height={height} data-testid="drawing" />}>{children}</Suspense>
        </div>
      )}
    </Card>
  );
}

// Trend is a small line of a number's last hours or days, without axes; the number beside it
// says what counts.
export function Trend({ data }: { data: number[] }) {
  return (
    <div aria-hidden="true" inert style={{ height: 28 }}>
      <Suspense fallback={null}>
        <Sparkline
          h={28}
          data={data}
          withGradient={false}
          fillOpacity={0.2}
          strokeWidth={1.5}
          color="var(--lumo-chart-1)"
        />
      </Suspense>
    </div>
  );
}
