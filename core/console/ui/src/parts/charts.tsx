import "@mantine/charts/styles.css";
import {
  type BarChartProps,
  type LineChartProps,
  BarChart as MantineBar,
  LineChart as MantineLine,
} from "@mantine/charts";
import { useFormat } from "./useFormat";

export { BarsList, BulletChart, Sparkline } from "@mantine/charts";

// A chart is hidden from screen readers, which get its table: it takes no focus either.
const quiet = { accessibilityLayer: false };

export function BarChart(p: BarChartProps) {
  return <MantineBar yAxisProps={useAxis()} {...p} barChartProps={{ ...quiet, ...p.barChartProps }} />;
}

export function LineChart(p: LineChartProps) {
  return <MantineLine yAxisProps={useAxis()} {...p} lineChartProps={{ ...quiet, ...p.lineChartProps }} />;
}

// useAxis writes an axis in few signs, in whole numbers: charts count people, messages and
// requests. The table beside a chart has all digits.
function useAxis() {
  const { compact } = useFormat();
  return { tickFormatter: compact, allowDecimals: false };
}
