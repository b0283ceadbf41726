import type {
  Action,
  FlexBox,
  FlexBubble,
  FlexComponent,
  FlexMessage,
  LineMessage,
} from "../../src/phone/message";

export const shop = "https://shop.example";
export const open = (label: string, path = "/cart"): Action => ({ type: "uri", label, uri: shop + path });
type More = { [field: string]: unknown };
export const say = (text: string, more: More = {}): FlexComponent => ({ type: "text", text, ...more });
export const column = (contents: FlexComponent[], more: More = {}): FlexBox => ({
  type: "box",
  layout: "vertical",
  contents,
  ...more,
});
export const row = (contents: FlexComponent[], more: More = {}): FlexBox => ({
  type: "box",
  layout: "horizontal",
  contents,
  ...more,
});
export const base = (contents: FlexComponent[], more: More = {}): FlexBox => ({
  type: "box",
  layout: "baseline",
  contents,
  ...more,
});
export const image = (name: string, more: More = {}): FlexComponent => ({
  type: "image",
  url: `${shop}/${name}.png`,
  ...more,
});
export const button = (label: string, more: More = {}): FlexComponent => ({
  type: "button",
  action: open(label),
  ...more,
});
export const line = (more: More = {}): FlexComponent => ({ type: "separator", ...more });
export const flex = (contents: FlexMessage["contents"], altText = "Hana Tea"): LineMessage => ({
  type: "flex",
  altText,
  contents,
});

// card is one of a shop's product cards.
export function card(
  name: string,
  title: string,
  price: string,
  size: FlexBubble["size"] = "kilo",
): FlexBubble {
  return {
    type: "bubble",
    size,
    hero: image(name, {
      size: "full",
      aspectMode: "cover",
      aspectRatio: "20:13",
      action: open(title, `/${name}`),
    }),
    body: column([
      say(title, { weight: "bold", wrap: true, maxLines: 2 }),
      say(price, { color: "#A8201A", size: "lg", margin: "sm" }),
    ]),
    footer: column([button("Look", { style: "primary", color: "#0B6E67", height: "sm" })]),
  };
}

const stars = (n: number) => [
  ...Array.from({ length: n }, () => ({ type: "icon", url: `${shop}/star.png`, size: "sm" })),
  say("4.0", { size: "sm", color: "#999999", margin: "md", flex: 0 }),
];

// product has most of what a bubble may hold: hero, icons in a baseline row, a badge laid
// over it, offsets, a gradient.
export const product: FlexBubble = {
  type: "bubble",
  hero: image("matcha", {
    size: "full",
    aspectRatio: "20:13",
    aspectMode: "cover",
    action: open("Matcha set"),
  }),
  body: column([
    say("Matcha set", { weight: "bold", size: "xl" }),
    base(stars(4), { margin: "md" }),
    column(
      [
        base(
          [
            say("Place", { color: "#aaaaaa", size: "sm", flex: 1 }),
            say("Uji, south of Kyoto, where the oldest fields are", {
              wrap: true,
              color: "#666666",
              size: "sm",
              flex: 5,
            }),
          ],
          { spacing: "sm" },
        ),
        base(
          [
            say("Price", { color: "#aaaaaa", size: "sm", flex: 1 }),
            {
              type: "text",
              size: "sm",
              flex: 5,
              contents: [
                { type: "span", text: "¥4,800 ", decoration: "line-through", color: "#999999" },
                { type: "span", text: "¥3,980", weight: "bold", color: "#A8201A", size: "md" },
              ],
            },
          ],
          { spacing: "sm" },
        ),
      ],
      { margin: "lg", spacing: "sm" },
    ),
    column(
      [say("SALE", { color: "#ffffff", align: "center", size: "xs", weight: "bold", offsetTop: "3px" })],
      {
        position: "absolute",
        cornerRadius: "20px",
        offsetTop: "18px",
        offsetEnd: "18px",
        backgroundColor: "#ff334b",
        height: "25px",
        width: "53px",
      },
    ),
  ]),
  footer: column(
    [
      button("Buy", { style: "primary" }),
      button("Later", { style: "secondary" }),
      button("Questions?", { height: "sm" }),
    ],
    { spacing: "sm" },
  ),
};

const item = (name: string, price: string) =>
  row([
    say(name, { size: "sm", color: "#555555", flex: 0 }),
    say(price, { size: "sm", color: "#111111", align: "end" }),
  ]);

export const receipt: FlexBubble = {
  type: "bubble",
  body: column([
    say("RECEIPT", { weight: "bold", color: "#1DB446", size: "sm" }),
    say("Hana Tea", { weight: "bold", size: "xxl", margin: "md" }),
    say("Kyoto, Nakagyo-ku, Teramachi 3-4", { size: "xs", color: "#aaaaaa", wrap: true }),
    line({ margin: "xxl" }),
    column(
      [
        item("Sencha 100 g", "¥1,200"),
        item("Cup", "¥1,800"),
        item("Delivery", "¥0"),
        line({ margin: "xxl" }),
        item("ITEMS", "3"),
        item("TOTAL", "¥3,000"),
      ],
      { margin: "xxl", spacing: "sm" },
    ),
    line({ margin: "xxl" }),
    row(
      [
        say("PAYMENT", { size: "xs", color: "#aaaaaa", flex: 0 }),
        say("#743289384279", { color: "#aaaaaa", size: "xs", align: "end" }),
      ],
      { margin: "md" },
    ),
  ]),
  styles: { footer: { separator: true } },
};

export const ticket: FlexBubble = {
  type: "bubble",
  size: "giga",
  header: row(
    [
      column([
        say("FROM", { color: "#ffffff66", size: "sm" }),
        say("Kyoto", { color: "#ffffff", size: "xl", flex: 4, weight: "bold" }),
      ]),
      column([
        say("TO", { color: "#ffffff66", size: "sm" }),
        say("Uji", { color: "#ffffff", size: "xl", weight: "bold" }),
      ]),
    ],
    {
      paddingAll: "20px",
      background: {
        type: "linearGradient",
        angle: "90deg",
        startColor: "#0367D3",
        endColor: "#27ACB2",
        centerColor: "#146FB8",
        centerPosition: "40%",
      },
      spacing: "md",
      height: "104px",
      paddingTop: "22px",
    },
  ),
  body: column([
    say("Total: 1 hour", { color: "#b7b7b7", size: "xs" }),
    row(
      [
        say("20:30", { size: "sm", gravity: "center" }),
        column(
          [
            { type: "filler" },
            column([], {
              cornerRadius: "30px",
              height: "12px",
              width: "12px",
              borderColor: "#EF454D",
              borderWidth: "2px",
            }),
            { type: "filler" },
          ],
          { flex: 0 },
        ),
        say("Tea house", { gravity: "center", flex: 4, size: "sm" }),
      ],
      { spacing: "lg", cornerRadius: "30px", margin: "xl" },
    ),
    row(
      [
        base([{ type: "filler" }], { flex: 1 }),
        column(
          [
            row(
              [
                { type: "filler" },
                column([], { width: "2px", backgroundColor: "#B7B7B7" }),
                { type: "filler" },
              ],
              { flex: 1 },
            ),
          ],
          { width: "12px" },
        ),
        say("Walk 4 min", { gravity: "center", flex: 4, size: "xs", color: "#8c8c8c" }),
      ],
      { spacing: "lg", height: "64px" },
    ),
    row(
      [
        say("20:34", { gravity: "center", size: "sm" }),
        column(
          [
            { type: "filler" },
            column([], {
              cornerRadius: "30px",
              width: "12px",
              height: "12px",
              borderWidth: "2px",
              borderColor: "#6486E3",
            }),
            { type: "filler" },
          ],
          { flex: 0 },
        ),
        say("Field", { gravity: "center", flex: 4, size: "sm" }),
      ],
      { spacing: "lg", cornerRadius: "30px" },
    ),
  ]),
};

// size is one small bubble of each size, with what is most different between them: padding.
export const sized = (size: NonNullable<FlexBubble["size"]>): FlexBubble => ({
  type: "bubble",
  size,
  header: column([say(size, { weight: "bold" })], { backgroundColor: "#E4EDFB" }),
  body: column([say("Body", { wrap: true })]),
  footer: column([button("Go", { height: "sm", style: "secondary" })]),
});
