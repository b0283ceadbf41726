import "@mantine/charts/styles.css";

export { BarChart, BarsList, BulletChart, LineChart, Sparkline } from "@mantine/charts";
