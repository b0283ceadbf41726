import type { CSSProperties } from "react";
import { type Json, list, number, object, text } from "./message";

// How LINE lays Flex out, as styles. All values come from merchants: keywords are looked up,
// lengths and colours must have their form, and nothing else reaches a style.

const fonts: Record<string, number> = {
  xxs: 11,
  xs: 13,
  sm: 14,
  md: 16,
  lg: 19,
  xl: 22,
  xxl: 29,
  "3xl": 35,
  "4xl": 48,
  "5xl": 74,
};
const gaps: Record<string, number> = { none: 0, xs: 2, sm: 4, md: 8, lg: 12, xl: 16, xxl: 20 };
const pictures: Record<string, string> = Object.fromEntries(
  ["xxs", "xs", "sm", "md", "lg", "xl", "xxl", "3xl", "4xl", "5xl"].map((size, i) => [
    size,
    `${40 + 20 * i}px`,
  ]),
);
const corners: Record<string, number> = { none: 0, xs: 2, sm: 4, md: 8, lg: 13, xl: 17, xxl: 20 };
const borders: Record<string, number> = {
  none: 0,
  light: 0.5,
  normal: 1,
  medium: 2,
  "semi-bold": 3,
  bold: 4,
};
const spread: Record<string, string> = {
  "flex-start": "flex-start",
  "flex-end": "flex-end",
  center: "center",
  "space-between": "space-between",
  "space-around": "space-around",
  "space-evenly": "space-evenly",
};

// bubbleWidth is in px; giga takes what the column has.
export const bubbleWidth: Record<string, string> = {
  nano: "120px",
  micro: "160px",
  deca: "220px",
  hecto: "241px",
  kilo: "260px",
  mega: "300px",
  giga: "100%",
};
export const radius = (size: string): number => ({ mega: 17, giga: 5 })[size] ?? 10;

// bodyPadding is what a header or body has when it says nothing itself.
export function bodyPadding(size: string): string {
  if (size === "deca" || size === "hecto") return "11px 14px 13px";
  return { mega: "19px 20px 20px", giga: "19px 20px 20px", kilo: "13px" }[size] ?? "10px";
}

export function color(v: unknown): string | undefined {
  return /^#([0-9a-f]{6}|[0-9a-f]{8})$/i.test(text(v)) ? text(v) : undefined;
}

// length takes a keyword, px or a percentage.
function length(v: unknown, words: Record<string, number>): string | undefined {
  const t = text(v);
  if (words[t] !== undefined) return `${words[t]}px`;
  return /^-?\d+(\.\d+)?(px|%)$/.test(t) ? t : undefined;
}

export const gap = (v: unknown): string | undefined => length(v, gaps);
export const fontSize = (v: unknown): string => length(v, fonts) ?? "16px";
export const pictureSize = (v: unknown): string =>
  text(v) === "full" ? "100%" : (pictures[text(v)] ?? length(v, {}) ?? "100px");

// ratio is width by height, as "20:13"; LINE draws nothing higher than three times its width.
export function ratio(v: unknown): string {
  const [, w, h] = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(text(v)) ?? [];
  const width = Number(w);
  const height = Number(h);
  if (!width || !height) return "1 / 1";
  return `${width} / ${Math.min(height, 3 * width)}`;
}

function gradient(v: unknown): string | undefined {
  const g = object(v);
  const [start, center, end] = [color(g?.startColor), color(g?.centerColor), color(g?.endColor)];
  const angle = /^\d+(\.\d+)?deg$/.test(text(g?.angle)) ? text(g?.angle) : undefined;
  if (g?.type !== "linearGradient" || !angle || !start || !end) return undefined;
  const at = /^\d+(\.\d+)?%$/.test(text(g.centerPosition)) ? text(g.centerPosition) : "50%";
  return `linear-gradient(${angle}, ${start}, ${center ? `${center} ${at}, ` : ""}${end})`;
}

// boxStyle is the inside of a box: direction, padding, border, background.
export function boxStyle(box: Json): CSSProperties {
  const layout = text(box.layout);
  const corner = length(box.cornerRadius, corners);
  const border = length(box.borderWidth, borders);
  return prune({
    display: "flex",
    flexDirection: layout === "vertical" ? "column" : "row",
    position: "relative",
    boxSizing: "border-box",
    minWidth: 0,
    justifyContent: spread[text(box.justifyContent)],
    alignItems: layout === "baseline" ? "baseline" : spread[text(box.alignItems)],
    ...padding(box),
    borderStyle: border && "solid",
    borderWidth: border,
    borderColor: border && (color(box.borderColor) ?? "transparent"),
    borderRadius: corner,
    overflow: corner ? "hidden" : undefined,
    backgroundColor: color(box.backgroundColor),
    backgroundImage: gradient(box.background),
  });
}

// padding of one side wins over that of all.
export function padding(box: Json): CSSProperties {
  const all = gap(box.paddingAll);
  return prune({
    paddingTop: gap(box.paddingTop) ?? all,
    paddingBottom: gap(box.paddingBottom) ?? all,
    paddingInlineStart: gap(box.paddingStart) ?? all,
    paddingInlineEnd: gap(box.paddingEnd) ?? all,
  });
}

// placeStyle is how a component stands in its box: its share, its gap, its offsets.
export function placeStyle(c: Json, parent: Json, index: number): CSSProperties {
  const layout = text(parent.layout);
  const vertical = layout === "vertical";
  const offsets = prune({
    top: gap(c.offsetTop),
    bottom: gap(c.offsetBottom),
    insetInlineStart: gap(c.offsetStart),
    insetInlineEnd: gap(c.offsetEnd),
  });
  const size = prune({
    width: c.type === "box" ? gap(c.width) : undefined,
    height: c.type === "box" ? gap(c.height) : undefined,
    maxWidth: gap(c.maxWidth),
    maxHeight: gap(c.maxHeight),
  });
  if (c.position === "absolute") return { position: "absolute", ...offsets, ...size };
  const space = index > 0 ? (gap(c.margin) ?? gap(parent.spacing)) : undefined;
  return prune({
    position: "relative",
    flex: share(c, layout, size.width !== undefined),
    minWidth: vertical ? undefined : 0,
    marginTop: vertical ? space : undefined,
    marginInlineStart: vertical ? undefined : space,
    alignSelf: gravity(c, layout),
    ...offsets,
    ...size,
  });
}

// share is the part of the room that a component takes. In a row components share it evenly;
// in a column each is as high as it needs to be.
function share(c: Json, layout: string, sized: boolean): string {
  const given = number(c.flex);
  const vertical = layout === "vertical";
  if (given !== undefined && !(sized && !vertical)) {
    if (given <= 0) return "0 0 auto";
    return vertical ? `${given} 0 auto` : `${given} 0 0`;
  }
  if (c.type === "filler") return vertical ? "1 0 auto" : "1 0 0";
  if (vertical || sized || c.type === "icon" || c.type === "separator" || c.type === "spacer")
    return "0 0 auto";
  return "1 0 0";
}

const ends: Record<string, string> = { top: "flex-start", center: "center", bottom: "flex-end" };

// gravity moves a component across a row; in a baseline row there is nothing to move.
function gravity(c: Json, layout: string): string | undefined {
  return layout === "horizontal" ? ends[text(c.gravity)] : undefined;
}

// textStyle is a text's or span's own look.
export function textStyle(c: Json): CSSProperties {
  return prune({
    fontSize: c.size === undefined ? undefined : fontSize(c.size),
    color: color(c.color),
    fontWeight: c.weight === "bold" ? 700 : c.weight === "regular" ? 400 : undefined,
    fontStyle: c.style === "italic" ? "italic" : c.style === "normal" ? "normal" : undefined,
    textDecoration: { underline: "underline", "line-through": "line-through", none: "none" }[
      text(c.decoration)
    ],
  });
}

// paragraphStyle adds what only a whole text has.
export function paragraphStyle(c: Json): CSSProperties {
  const lines = number(c.maxLines);
  const spacing = /^\d+(\.\d+)?px$/.test(text(c.lineSpacing)) ? text(c.lineSpacing) : undefined;
  const wraps = c.wrap === true;
  return prune({
    ...textStyle(c),
    fontSize: fontSize(c.size ?? "md"),
    color: color(c.color) ?? "#111111",
    textAlign: { start: "start", end: "end", center: "center" }[text(c.align)] as CSSProperties["textAlign"],
    lineHeight: spacing && `calc(1.4em + ${spacing})`,
    whiteSpace: wraps ? "pre-wrap" : "nowrap",
    overflowWrap: wraps ? "anywhere" : undefined,
    ...(wraps && lines
      ? { display: "-webkit-box", WebkitLineClamp: lines, WebkitBoxOrient: "vertical" as const }
      : {}),
  });
}

export const iconSize = (v: unknown): string => length(v, fonts) ?? "16px";

// sideways aligns a picture in its place.
export function sideways(v: unknown): string {
  return { start: "flex-start", end: "flex-end" }[text(v)] ?? "center";
}

// upright moves the inside of a component that is higher than it needs.
export const upright = (v: unknown): string => ends[text(v)] ?? "flex-start";

export const contents = (box: Json): Json[] => list(box.contents).map((c) => object(c) ?? {});

function prune<T extends object>(style: T): T {
  return Object.fromEntries(Object.entries(style).filter(([, v]) => v !== undefined && v !== "")) as T;
}
