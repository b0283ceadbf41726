import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

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
  components: { Anchor: { defaultProps: { underline: "always" } } },
  fontFamily:
    '"Inter Variable", "Hiragino Sans", "Yu Gothic UI", "Noto Sans JP", "Noto Sans TC", "Noto Sans Thai", sans-serif',
  fontSizes: { sm: "14px", md: "14px" },
  headings: { fontWeight: "600" },
});

// Mantine's own dimmed text has too little contrast (3.3); these are measured on card and page.
export const resolver: CSSVariablesResolver = () => ({
  variables: {},
  light: { "--mantine-color-text": "#1b1f24", "--mantine-color-dimmed": "#59636e", "--lumo-page": "#f6f7f9" },
  dark: {
    "--mantine-color-text": "#e6e9ed",
    "--mantine-color-dimmed": "#a3adb8",
    "--mantine-color-body": "#1d2126",
    "--lumo-page": "#15181c",
  },
});
