import { createTheme, type MantineColorsTuple } from "@mantine/core";

// Own teal with measured contrast (white on it 6.1); never LINE's green.
const teal: MantineColorsTuple = [
  "#e6f5f3",
  "#cdeae6",
  "#9dd8d0",
  "#6cc7bb",
  "#5ccfc2",
  "#2f9a90",
  "#1b8178",
  "#12766e",
  "#0b6e67",
  "#085751",
];

export const theme = createTheme({
  colors: { teal },
  primaryColor: "teal",
  primaryShade: { light: 8, dark: 4 },
  autoContrast: true,
  defaultRadius: 8,
  fontFamily:
    '"Inter Variable", "Hiragino Sans", "Yu Gothic UI", "Noto Sans JP", "Noto Sans TC", "Noto Sans Thai", sans-serif',
  fontSizes: { sm: "14px", md: "14px" },
  headings: { fontWeight: "600" },
});
