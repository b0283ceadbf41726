import {
  type CSSVariablesResolver,
  createTheme,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
} from "@mantine/core";

// Tokens are all colours of the console, light and dark; theme.test.ts measures their contrast.
// Own teal, never LINE's green: white on that is 2.3.
export const tokens = {
  page: ["#f6f7f9", "#15181c"],
  card: ["#ffffff", "#1d2126"],
  text: ["#1b1f24", "#e6e9ed"],
  muted: ["#59636e", "#a3adb8"],
  accent: ["#0b6e67", "#5ccfc2"],
  "on-accent": ["#ffffff", "#0b1f1d"],
  line: ["#d5dae0", "#343a42"],
  border: ["#868e96", "#7a8591"],
  good: ["#14663a", "#6fd196"],
  "good-tint": ["#e0f3e6", "#15301f"],
  held: ["#7a4b00", "#f2be5c"],
  "held-tint": ["#fff1d6", "#362a0e"],
  bad: ["#a8201a", "#ff8f86"],
  "bad-tint": ["#fde7e5", "#3a1b19"],
  moving: ["#1f4e9e", "#8db8ff"],
  "moving-tint": ["#e4edfb", "#172a47"],
  checking: ["#5b3a9e", "#c2a8ff"],
  "checking-tint": ["#eee8fa", "#2a2144"],
  calm: ["#424a53", "#c5ccd4"],
  "calm-tint": ["#eceff2", "#2b3138"],
  "chart-1": ["#0b6e67", "#5ccfc2"],
  "chart-2": ["#2f6fd0", "#7fb0ff"],
  "chart-3": ["#b26a00", "#f2be5c"],
  "chart-4": ["#8250c4", "#c2a8ff"],
  "chart-5": ["#c2366b", "#ff8fb8"],
} as const;

export type Tone = "good" | "held" | "bad" | "moving" | "checking" | "calm";

// tone is text and surface of a kind of state.
export const tone = (t: Tone) => ({ color: `var(--lumo-${t})`, backgroundColor: `var(--lumo-${t}-tint)` });

// Rings tell LINE accounts apart; merchants choose one. Each is visible on both surfaces.
export const rings = {
  teal: "#0b7f77",
  blue: "#2f6fd0",
  amber: "#b26a00",
  violet: "#8250c4",
  pink: "#c2366b",
  olive: "#5f7a1f",
} as const;

export type Ring = keyof typeof rings;

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
const red: MantineColorsTuple = [
  "#fde7e5",
  "#fbd0cc",
  "#ffb3ac",
  "#ff9e96",
  "#ff8f86",
  "#e0564d",
  "#c93a32",
  "#b92a23",
  "#a8201a",
  "#861712",
];

export const theme = createTheme({
  colors: { teal, red },
  primaryColor: "teal",
  primaryShade: { light: 8, dark: 4 },
  autoContrast: true,
  // Mantine judges by the light shade alone: on the dark one its white would be 1.9.
  variantColorResolver: (input) => {
    const own = defaultVariantColorsResolver(input);
    const filled = input.variant === "filled" && ["teal", "red"].includes(input.color ?? "teal");
    return filled ? { ...own, color: "var(--lumo-on-accent)" } : own;
  },
  defaultRadius: 8,
  black: tokens.text[0],
  breakpoints: { xs: "22.5em", sm: "48em", md: "62em", lg: "75em", xl: "90em" },
  spacing: { xs: "8px", sm: "12px", md: "16px", lg: "24px", xl: "32px" },
  fontFamily:
    '"Inter Variable", "Hiragino Sans", "Yu Gothic UI", "Noto Sans JP", "Noto Sans CJK JP", "Noto Sans TC", "Noto Sans Thai", sans-serif',
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "20px" },
  lineHeights: { xs: "1.5", sm: "1.5", md: "1.6", lg: "1.6", xl: "1.4" },
  headings: {
    fontWeight: "600",
    sizes: { h1: { fontSize: "20px" }, h2: { fontSize: "16px" }, h3: { fontSize: "14px" } },
  },
  components: {
    Anchor: { defaultProps: { underline: "always" } },
    // Colours made from a name are as low as 3 against it.
    Avatar: {
      vars: () => ({
        root: {
          "--avatar-bg": "var(--lumo-page)",
          "--avatar-color": "var(--lumo-text)",
          "--avatar-bd": "1px solid var(--lumo-line)",
        },
      }),
    },
    Badge: { defaultProps: { tt: "none" } },
    Card: { defaultProps: { withBorder: true, padding: "md" } },
    Modal: { defaultProps: { centered: true } },
    // The header of a dialog is not another header of the page.
    ModalHeader: { defaultProps: { role: "presentation" } },
    Tooltip: { defaultProps: { events: { hover: true, focus: true, touch: true } } },
    Table: { defaultProps: { fz: "sm", verticalSpacing: "xs" } },
  },
});

const pick = (side: 0 | 1) =>
  Object.fromEntries(Object.entries(tokens).map(([name, pair]) => [`--lumo-${name}`, pair[side]]));

const mantine = (side: 0 | 1) => ({
  "--mantine-color-text": tokens.text[side],
  "--mantine-color-dimmed": tokens.muted[side], // Mantine's own is 3.3
  "--mantine-color-anchor": tokens.accent[side],
  "--mantine-color-default-border": tokens.line[side],
  "--mantine-color-placeholder": tokens.muted[side],
  "--mantine-color-error": tokens.bad[side],
  "--mantine-color-body": tokens.card[side],
});

export const resolver: CSSVariablesResolver = () => ({
  variables: {},
  light: { ...pick(0), ...mantine(0) },
  dark: { ...pick(1), ...mantine(1) },
});
