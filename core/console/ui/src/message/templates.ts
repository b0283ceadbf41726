import { type Body, type Card, flexOf } from "./model";

// The first words of a message, to be changed: what shops send most.
export type Template = { key: string; body: (say: Say) => Body };

type Say = (key: string) => string;

const text = (words: string) => JSON.stringify({ type: "text", text: words });
const card = (alt: string, one: Card) => JSON.stringify(flexOf(alt, [one]));

// nowhere stands for a link that the merchant has not named yet.
const nowhere = /https:\/\/example\.com\/\S*/;

// templateBody is a message to begin with; link is where its text leads.
export function templateBody(key: string, say: Say, link = ""): Body {
  const part = (name: string) => say(`template.${key}.${name}`);
  const words = part("text");
  const blocks = [text(link ? words.replace(nowhere, () => link) : words)];
  if (key === "sale" || key === "coupon")
    blocks.push(
      card(part("alt"), {
        title: part("title"),
        text: part("more"),
        picture: "",
        label: part("label"),
        link: "https://example.com/",
      }),
    );
  return { blocks, utm: {} };
}

// without shows the defaults in place of variables.
export const without = (block: string) => block.replace(/\[\[[^|\]]*\|?\s*([^\]]*?)\s*\]\]/g, "$1");

export const templates: Template[] = ["welcome", "cart", "restock", "thanks", "sale", "coupon"].map(
  (key) => ({ key, body: (say) => templateBody(key, say) }),
);
