import { useMediaQuery } from "@mantine/hooks";
import { useTranslation } from "react-i18next";
import type { Schema } from "../api";
import { Chart, MatrixChart, phone, useFormat } from "../parts";

type Hour = Schema<"HourSumsView">;

const shades = [25, 50, 75, 100].map(
  (part) => `color-mix(in srgb, var(--lumo-chart-1) ${part}%, var(--mantine-color-body))`,
);
const two = (n: number) => String(n).padStart(2, "0");
const hours = Array.from({ length: 24 }, (_, i) => i);

// Hours shows when in the week people click: the darker, the more.
export function Hours({ of }: { of: Hour[] }) {
  const { t } = useTranslation();
  const { count, week, weekday } = useFormat();
  const small = useMediaQuery(phone);
  if (of.length === 0) return null;
  const days = week();
  const clicks = (day: number, hour: number) =>
    of.find((h) => h.weekday === day && h.hour === hour)?.clicks ?? null;
  const at = (day: string, hour: number) =>
    t("statistics.at", { day, from: `${two(hour)}:00`, to: `${two(hour + 1)}:00` });
  const cells = days.flatMap((day) =>
    hours.map((hour) => ({ day: weekday(day), hour: two(hour), value: clicks(day, hour) })),
  );
  const [x, y] = small ? (["day", "hour"] as const) : (["hour", "day"] as const);
  return (
    <Chart
      title={t("statistics.chart.hours")}
      unit={t("statistics.unit.hours")}
      columns={[t("statistics.when"), t("statistics.of.clicks")]}
      rows={days.flatMap((day) =>
        of.filter((h) => h.weekday === day).map((h) => [at(weekday(day), h.hour), count(h.clicks)]),
      )}
    >
      <MatrixChart
        data={cells.map((c) => ({ x: c[x], y: c[y], value: c.value }))}
        domain={[0, Math.max(...of.map((h) => h.clicks))]}
        colors={shades}
        emptyColor="var(--lumo-line)"
        cellSize={small ? 28 : 22}
        gap={2}
        withXLabels
        withYLabels
        xLabelsPosition="top"
        xLabelsRotation={0}
        xLabelsHeight={24}
        yLabelsWidth={40}
        withTooltip
        getTooltipLabel={(c) =>
          t("statistics.clicksAt", {
            at: at(small ? c.x : c.y, Number(small ? c.y : c.x)),
            n: count(c.value ?? 0),
          })
        }
      />
    </Chart>
  );
}
