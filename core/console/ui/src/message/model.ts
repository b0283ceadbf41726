import type { Schema } from "../api";

// A message is LINE's own JSON, one text for each block. The editor reads a block into a form
// where it knows one, and writes it back; everything else is edited as the JSON it is.
export type Body = Schema<"BodyView">;
export type Problem = Schema<"ProblemView">;
export type Message = Schema<"MessageView">;

export type Kind = "text" | "image" | "video" | "sticker" | "imagemap" | "cards" | "json";
export const kinds: Kind[] = ["text", "image", "video", "sticker", "imagemap", "cards", "json"];

export type Json = Record<string, unknown>;

// parse reads a block; undefined = it is not JSON (yet).
export function parse(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

// only tells whether an object has no other members than these: others would be lost in a form.
const only = (value: Json, ...names: string[]) => Object.keys(value).every((name) => names.includes(name));

// kindOf tells which form shows a block. What a form would not keep whole is shown as JSON.
export function kindOf(text: string): Kind {
  const value = parse(text);
  if (!value) return "json";
  switch (value.type) {
    case "text":
      return only(value, "type", "text") ? "text" : "json";
    case "image":
      return only(value, "type", "originalContentUrl", "previewImageUrl") ? "image" : "json";
    case "video":
      return only(value, "type", "originalContentUrl", "previewImageUrl", "trackingId") ? "video" : "json";
    case "sticker":
      return only(value, "type", "packageId", "stickerId") ? "sticker" : "json";
    case "imagemap":
      return areasOf(value) ? "imagemap" : "json";
    case "flex":
      return cardsOf(value) ? "cards" : "json";
  }
  return "json";
}

// blank is a new block of a kind; alt is its text for notifications, where it has one.
export function blank(kind: Kind, alt = ""): string {
  const made: Record<Kind, Json> = {
    text: { type: "text", text: "" },
    image: { type: "image", originalContentUrl: "", previewImageUrl: "" },
    video: { type: "video", originalContentUrl: "", previewImageUrl: "" },
    sticker: { type: "sticker", packageId: "446", stickerId: "1988" },
    imagemap: {
      type: "imagemap",
      baseUrl: "",
      altText: alt,
      baseSize: { width: 1040, height: 1040 },
      actions: [],
    },
    cards: flexOf(alt, [{ title: "", text: "", picture: "", label: "", link: "" }]),
    json: { type: "flex", altText: alt, contents: { type: "bubble", body: box([]) } },
  };
  return kind === "json" ? JSON.stringify(made.json, null, 2) : JSON.stringify(made[kind]);
}

// inOrder writes a value so that what says the same is the same text: members in order, without
// those that are empty.
export const inOrder = (value: unknown): string =>
  JSON.stringify(value, (_, v) =>
    v && typeof v === "object" && !Array.isArray(v)
      ? Object.fromEntries(
          Object.entries(v)
            .filter(([, part]) => part !== undefined && part !== "")
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : v,
  );

// goesOn tells that a change wrote on in one block, and left the others and their order.
export const goesOn = (before: Body, after: Body) =>
  before.blocks.length === after.blocks.length &&
  before.blocks.filter((b, i) => b !== after.blocks[i]).length <= 1;

export type Area = { x: number; y: number; width: number; height: number; link: string };

// areasOf reads the areas of a rich message; undefined = it holds more than the form knows.
export function areasOf(value: Json): Area[] | undefined {
  if (!only(value, "type", "baseUrl", "altText", "baseSize", "actions")) return undefined;
  const list = (value.actions ?? []) as Json[];
  const out: Area[] = [];
  for (const a of list) {
    if (a.type !== "uri" || !only(a, "type", "linkUri", "area")) return undefined;
    const { x, y, width, height } = (a.area ?? {}) as Record<string, number>;
    out.push({ x: x ?? 0, y: y ?? 0, width: width ?? 0, height: height ?? 0, link: String(a.linkUri ?? "") });
  }
  return out;
}

export const actionsOf = (areas: Area[]) =>
  areas.map(({ link, ...area }) => ({ type: "uri", linkUri: link, area }));

export type Card = { title: string; text: string; picture: string; label: string; link: string };

const box = (contents: Json[]): Json => ({ type: "box", layout: "vertical", contents });

export const heroRatio = "20:13";

// ratioOf reads LINE's way of writing a ratio, width to height; 1:1 where there is none.
export function ratioOf(text: unknown): number {
  const [width = 0, height = 0] = String(text).split(":").map(Number);
  return width / height > 0 && Number.isFinite(width / height) ? width / height : 1;
}

export type Covered = { address: string; ratio: number };

// covered finds the pictures of a Flex message of which only a part may be seen.
export function covered(text: string): Covered[] {
  const found: Covered[] = [];
  const look = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    const v = value as Json;
    if (v.type === "image" && v.aspectMode === "cover" && typeof v.url === "string" && v.url)
      found.push({ address: v.url, ratio: ratioOf(v.aspectRatio) });
    for (const part of Object.values(v)) look(part);
  };
  look(parse(text));
  return found;
}

// recovered is the text with another address for the nth of its covered pictures. Nothing else
// of what was written changes.
export function recovered(text: string, n: number, address: string): string {
  const all = covered(text);
  const target = all[n]?.address;
  let ahead = all.slice(0, n).filter((c) => c.address === target).length;
  let nth = -1; // of the places where this address stands
  let places = 0;
  const look = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    const v = value as Json;
    for (const [key, part] of Object.entries(v)) {
      if (part === target) {
        if (key === "url" && v.type === "image" && v.aspectMode === "cover" && ahead-- === 0) nth = places;
        places++;
      } else look(part);
    }
  };
  look(parse(text));
  const old = JSON.stringify(target);
  let at = nth < 0 ? -1 : text.indexOf(old);
  for (let i = 0; i < nth && at >= 0; i++) at = text.indexOf(old, at + old.length);
  return at < 0 ? text : text.slice(0, at) + JSON.stringify(address) + text.slice(at + old.length);
}

// flexOf makes a carousel of cards, each with picture, title, text and button.
export function flexOf(altText: string, cards: Card[]): Json {
  const bubbles = cards.map((c) => {
    const body: Json[] = [{ type: "text", text: c.title, weight: "bold", size: "lg", wrap: true }];
    if (c.text) body.push({ type: "text", text: c.text, wrap: true, margin: "md", color: "#666666" });
    const bubble: Json = { type: "bubble" };
    if (c.picture)
      bubble.hero = {
        type: "image",
        url: c.picture,
        size: "full",
        aspectRatio: heroRatio,
        aspectMode: "cover",
      };
    bubble.body = box(body);
    if (c.label || c.link)
      bubble.footer = box([
        { type: "button", style: "primary", action: { type: "uri", label: c.label, uri: c.link } },
      ]);
    return bubble;
  });
  return { type: "flex", altText, contents: { type: "carousel", contents: bubbles } };
}

// cardsOf reads what flexOf made; undefined = somebody made another Flex message.
export function cardsOf(value: Json): Card[] | undefined {
  const contents = (value.contents as Json | undefined)?.contents;
  if (!Array.isArray(contents)) return undefined;
  const at = (from: unknown, ...path: (string | number)[]): unknown =>
    path.reduce<unknown>((v, key) => (v as Json | undefined)?.[key as string], from);
  const text = (v: unknown) => (typeof v === "string" ? v : "");
  const cards = contents.map((b) => ({
    title: text(at(b, "body", "contents", 0, "text")),
    text: text(at(b, "body", "contents", 1, "text")),
    picture: text(at(b, "hero", "url")),
    label: text(at(b, "footer", "contents", 0, "action", "label")),
    link: text(at(b, "footer", "contents", 0, "action", "uri")),
  }));
  const again = JSON.stringify(flexOf(text(value.altText), cards));
  return again === JSON.stringify(value) ? cards : undefined;
}

export type Reply = { label: string; link: string; text: string };

// repliesOf reads quick replies; undefined = they hold more than the form knows.
export function repliesOf(text: string | undefined): Reply[] | undefined {
  if (!text) return [];
  const items = parse(text)?.items;
  if (!Array.isArray(items)) return undefined;
  const out: Reply[] = [];
  for (const item of items as Json[]) {
    const a = (item.action ?? {}) as Record<string, string>;
    if (!only(item, "type", "action") || !only(a, "type", "label", "uri", "text")) return undefined;
    out.push({ label: a.label ?? "", link: a.uri ?? "", text: a.text ?? "" });
  }
  return out;
}

export function quickReply(list: Reply[]): string | undefined {
  if (list.length === 0) return undefined;
  const items = list.map((r) => ({
    type: "action",
    action: r.link
      ? { type: "uri", label: r.label, uri: r.link }
      : { type: "message", label: r.label, text: r.text || r.label },
  }));
  return JSON.stringify({ items });
}

// Piece is a stretch of text, or a variable with what stands in for an empty one.
export type Piece = { text: string } | { name: string; fallback: string };

const variable = /\[\[([^[\]|]+)(?:\|([^[\]]*))?\]\]/g;

// pieces splits a text at its variables.
export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let end = 0;
  for (const found of text.matchAll(variable)) {
    if (found.index > end) out.push({ text: text.slice(end, found.index) });
    out.push({ name: (found[1] ?? "").trim(), fallback: (found[2] ?? "").trim() });
    end = found.index + found[0].length;
  }
  if (end < text.length) out.push({ text: text.slice(end) });
  return out;
}

export const written = (name: string, fallback: string) =>
  fallback ? `[[ ${name} | ${fallback} ]]` : `[[ ${name} ]]`;

// addressOf is the address that somebody typed, with https where they left it out; undefined =
// it is none.
export function addressOf(typed: string): string | undefined {
  const text = typed.trim();
  const address = /^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`;
  return /^https?:\/\/[^\s/?#.]+\.[^\s]+$/i.test(address.replace(variable, "x")) ? address : undefined;
}

// apart is an address with room around it, so that no letter beside it becomes part of it.
export const apart = (address: string, before: string, after: string) =>
  `${/\S$/.test(before) ? " " : ""}${address}${/^\s/.test(after) ? "" : " "}`;

// plain is a text with the fallbacks in place of variables.
export const plain = (text: string) =>
  pieces(text)
    .map((p) => ("text" in p ? p.text : p.fallback))
    .join("");

// counted is how long LINE finds a text.
export const counted = (text: string) => plain(text).length;

// How many letters LINE shows at most.
export const most = { card: 40, quick: 20, sender: 20 };

// move puts an item of a list at another place.
export function move<T>(list: T[], from: number, to: number): T[] {
  const out = [...list];
  const [one] = out.splice(from, 1);
  if (one !== undefined) out.splice(to, 0, one);
  return out;
}
