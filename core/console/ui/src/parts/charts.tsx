import "@mantine/charts/styles.css";
import {
  type BarChartProps,
  type LineChartProps,
  BarChart as MantineBar,
  LineChart as MantineLine,
} from "@mantine/charts";
import { useId } from "react";
import { Rectangle, type RectangleProps } from "recharts";
import { useFormat } from "./useFormat";

export { BarsList, BulletChart, MatrixChart, Sparkline } from "@mantine/charts";

// A chart is hidden from screen readers, which get its table: it takes no focus either.
const quiet = { accessibilityLayer: false };

export function BarChart(p: BarChartProps) {
  return (
    <MantineBar
      yAxisProps={useAxis()}
      barProps={{ shape: <Shape /> }}
      {...p}
      barChartProps={{ ...quiet, ...p.barChartProps }}
    />
  );
}

// Shape is a bar; one that still grows, since its day has not ended, is hatched.
function Shape(p: RectangleProps & { payload?: { unfinished?: boolean } }) {
  const id = useId();
  if (!p.payload?.unfinished) return <Rectangle {...p} />;
  return (
    <g data-unfinished>
      <pattern id={id} width={6} height={6} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width={3} height={6} fill={p.fill} />
      </pattern>
      <Rectangle {...p} fill={`url(#${id})`} strokeOpacity={1} />
    </g>
  );
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
