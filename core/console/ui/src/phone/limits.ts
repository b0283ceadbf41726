import { type Json, type LineMessage, object, objects, text } from "./message";
import type { Say } from "./words";

// What LINE would refuse of a message, in words. Lengths are counted as LINE counts them:
// texts in UTF-16 units, labels in letters as people see them.

const limits = {
  text: 5000,
  alt: 1500,
  uri: 1000,
  replies: 13,
  bubbles: 12,
  kilo: 1024,
  bubble: 30,
  carousel: 50,
};

// letters counts what people see as one letter.
export function letters(word: string, language = "en"): number {
  let n = 0;
  for (const _ of new Intl.Segmenter(language, { granularity: "grapheme" }).segment(word)) n++;
  return n;
}

// troubles are the sentences that stand below a message.
export function troubles(message: LineMessage, say: Say): string[] {
  const out: string[] = [];
  const length = text(message.text).length;
  if (message.type.startsWith("text") && length > limits.text)
    out.push(say("phone.tooLong", { length, most: limits.text }));
  const alt = text(message.altText).length;
  if (alt > limits.alt) out.push(say("phone.altTooLong", { length: alt, most: limits.alt }));
  if (["flex", "template", "imagemap"].includes(message.type) && !alt) out.push(say("phone.noAlt"));
  const replies = objects(message.quickReply?.items).length;
  if (replies > limits.replies)
    out.push(say("phone.tooManyReplies", { count: replies, most: limits.replies }));
  if (message.type === "flex") flexTroubles(object(message.contents) ?? {}, say, out);
  for (const { path, uri } of addresses(message))
    if (uri.length > limits.uri)
      out.push(say("phone.linkTooLong", { length: uri.length, most: limits.uri, path }));
  return out;
}

function flexTroubles(container: Json, say: Say, out: string[]) {
  const cards = objects(container.contents);
  const carousel = container.type === "carousel";
  if (carousel && cards.length > limits.bubbles)
    out.push(say("phone.tooManyCards", { count: cards.length, most: limits.bubbles }));
  const most = carousel ? limits.carousel : limits.bubble;
  const size = Math.ceil(new TextEncoder().encode(JSON.stringify(container)).length / limits.kilo);
  if (size > most) out.push(say("phone.tooLarge", { size, most }));
  if (carousel && new Set(cards.map((c) => text(c.size))).size > 1) out.push(say("phone.unequal"));
}

// addresses finds the links of a message with their places.
function addresses(v: unknown, path = ""): { path: string; uri: string }[] {
  if (Array.isArray(v)) return v.flatMap((one, i) => addresses(one, `${path}/${i}`));
  const o = object(v);
  if (!o) return [];
  return Object.entries(o).flatMap(([name, inner]) => {
    const at = `${path}/${name}`;
    if ((name === "uri" || name === "linkUri") && typeof inner === "string")
      return [{ path: at, uri: inner }];
    return addresses(inner, at);
  });
}
