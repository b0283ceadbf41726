import { DEFAULT_THEME, mergeMantineTheme } from "@mantine/core";
import { expect, test } from "vitest";
import { rings, theme, tokens } from "./theme";

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const sides = [0, 1] as const;

test("text has 4.5 on each surface it stands on", () => {
  for (const side of sides) {
    for (const surface of ["page", "card"] as const)
      for (const ink of ["text", "muted", "accent", "good", "held", "bad", "moving", "checking"] as const)
        expect(contrast(tokens[ink][side], tokens[surface][side]), `${ink} on ${surface}`).toBeGreaterThan(
          4.5,
        );
    for (const tone of ["good", "held", "bad", "moving", "checking", "calm"] as const)
      expect(contrast(tokens[tone][side], tokens[`${tone}-tint`][side]), tone).toBeGreaterThan(4.5);
    expect(contrast(tokens["on-accent"][side], tokens.accent[side])).toBeGreaterThan(4.5);
  }
});

test("a filled button's text is the token for its surface, light and dark", () => {
  const whole = mergeMantineTheme(DEFAULT_THEME, theme);
  for (const color of ["teal", "red"])
    expect(whole.variantColorResolver({ color, variant: "filled", theme: whole }).color).toBe(
      "var(--lumo-on-accent)",
    );
  for (const shade of [
    [8, 0],
    [4, 1],
  ] as const)
    for (const name of ["teal", "red"] as const)
      expect(
        contrast(whole.colors[name][shade[0]] ?? "", tokens["on-accent"][shade[1]]),
        name,
      ).toBeGreaterThan(4.5);
});

test("charts, field borders and account rings have 3", () => {
  for (const side of sides) {
    for (const n of [1, 2, 3, 4, 5] as const)
      expect(contrast(tokens[`chart-${n}`][side], tokens.card[side]), `chart ${n}`).toBeGreaterThan(3);
    expect(contrast(tokens.border[side], tokens.card[side])).toBeGreaterThan(3);
    for (const ring of Object.values(rings))
      expect(contrast(ring, tokens.card[side]), ring).toBeGreaterThan(3);
  }
});
