import "@mantine/charts/styles.css";
import {
  type BarChartProps,
  type LineChartProps,
  BarChart as MantineBar,
  LineChart as MantineLine,
} from "@mantine/charts";

export { BarsList, BulletChart, Sparkline } from "@mantine/charts";

// A chart is hidden from screen readers, which get its table: it takes no focus either.
const quiet = { accessibilityLayer: false };

export const BarChart = (p: BarChartProps) => (
  <MantineBar {...p} barChartProps={{ ...quiet, ...p.barChartProps }} />
);

export const LineChart = (p: LineChartProps) => (
  <MantineLine {...p} lineChartProps={{ ...quiet, ...p.lineChartProps }} />
);
