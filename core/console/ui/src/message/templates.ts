import { type Body, type Card, flexOf } from "./model";

// The first words of a message, to be changed: what shops send most.
export type Template = { key: string; body: (say: (key: string) => string) => Body };

const text = (words: string) => JSON.stringify({ type: "text", text: words });
const card = (alt: string, one: Card) => JSON.stringify(flexOf(alt, [one]));

export const templates: Template[] = ["welcome", "cart", "restock", "thanks", "sale", "coupon"].map(
  (key) => ({
    key,
    body: (say) => {
      const part = (name: string) => say(`template.${key}.${name}`);
      const blocks = [text(part("text"))];
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
    },
  }),
);
