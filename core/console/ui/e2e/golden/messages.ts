import type { Shown } from "../../src/phone/LinePhone";
import type { LineMessage } from "../../src/phone/message";
import {
  base,
  button,
  card,
  column,
  flex,
  image,
  line,
  open,
  product,
  receipt,
  row,
  say,
  shop,
  sized,
  ticket,
} from "./flex";

type Golden = { messages: Shown[]; language?: string; showAreas?: boolean; height?: number };

const at = "2026-11-24T01:02:00Z";
const one = (...messages: LineMessage[]): Shown[] => messages.map((message) => ({ message, at }));
const text = (words: string, more: object = {}): LineMessage => ({ type: "text", text: words, ...more });
const long =
  "Your tea is on its way. It left our house in Uji this morning and will be with you before the weekend. ".repeat(
    4,
  );

// The golden messages, each photographed at 375 px.
export const goldens: Record<string, Golden> = {
  text: {
    messages: [
      ...one(text("Hello Yuki, your tea is still waiting."), text("Have a look: https://shop.example/cart")),
      { message: text("Thank you!"), at, own: true },
    ],
  },
  "long text": { messages: one(text(long.trim())) },
  emoji: {
    messages: one(
      text("Good morning $ and $ to you 🍵🌸", {
        emojis: [
          { index: 13, productId: "5ac1", emojiId: "001" },
          { index: 19, productId: "5ac1", emojiId: "002" },
        ],
      }),
    ),
  },
  image: {
    messages: one({
      type: "image",
      originalContentUrl: `${shop}/tea.png`,
      previewImageUrl: `${shop}/tea.png`,
    }),
  },
  video: {
    messages: one({
      type: "video",
      originalContentUrl: `${shop}/tea.mp4`,
      previewImageUrl: `${shop}/tall.png`,
    }),
  },
  "sticker, voice and place": {
    messages: one(
      { type: "sticker", packageId: "446", stickerId: "1988" },
      { type: "audio", originalContentUrl: `${shop}/a.m4a`, duration: 65000 },
      { type: "location", title: "Hana Tea", address: "Kyoto, Teramachi 3-4", latitude: 35, longitude: 135 },
    ),
  },
  "rich message": { messages: one(imagemap()) },
  "rich message, areas": { messages: one(imagemap()), showAreas: true },
  "one card": { messages: one(flex(card("tea", "Sencha, first harvest", "¥1,200"))) },
  "five cards": { messages: one(flex({ type: "carousel", contents: cards(5) })) },
  "twelve cards": { messages: one(flex({ type: "carousel", contents: cards(12, "micro") })) },
  "all sizes": {
    messages: one(
      ...(["nano", "micro", "deca", "hecto", "kilo", "mega", "giga"] as const).map((size) =>
        flex(sized(size)),
      ),
    ),
  },
  receipt: { messages: one(flex(receipt)) },
  product: { messages: one(flex(product)) },
  ticket: { messages: one(flex(ticket)) },
  "boxes and texts": { messages: one(flex(boxes()), flex(rtl())) },
  "older cards": {
    messages: one(
      {
        type: "template",
        altText: "Cards",
        template: {
          type: "buttons",
          thumbnailImageUrl: `${shop}/cup.png`,
          title: "Cups are back",
          text: "Ten of them",
          actions: [open("Look"), { type: "message", label: "Later", text: "later" }],
        },
      },
      {
        type: "template",
        altText: "Sure?",
        template: {
          type: "confirm",
          text: "Keep the cup for you?",
          actions: [
            { type: "message", label: "Yes", text: "yes" },
            { type: "message", label: "No", text: "no" },
          ],
        },
      },
    ),
  },
  "quick replies": {
    messages: one(
      text("Which one?", {
        quickReply: {
          items: Array.from({ length: 13 }, (_, i) => ({
            type: "action",
            ...(i === 0 ? { imageUrl: `${shop}/star.png` } : {}),
            action: { type: "message", label: `Tea ${i + 1}`, text: `Tea ${i + 1}` },
          })),
        },
      }),
    ),
  },
  sender: {
    messages: [
      ...one(text("From the shop")),
      ...one(
        text("I am Aya, may I help?", { sender: { name: "Aya", iconUrl: `${shop}/face.png` } }),
        text("Just write.", { sender: { name: "Aya", iconUrl: `${shop}/face.png` } }),
      ),
    ],
  },
  japanese: {
    language: "ja",
    messages: one(
      text(
        "雪さん、こんにちは。「煎茶」と「湯のみ」がカートに残っています。送料は無料です!ご注文は今日の23時59分まで。ご不明な点は、お気軽にお問い合わせください。",
      ),
      flex({
        type: "bubble",
        size: "kilo",
        body: column([
          say("新茶のご案内", { weight: "bold", size: "lg" }),
          say("宇治の茶畑から、今年いちばんの新茶をお届けします。数に限りがありますので、お早めにどうぞ。", {
            wrap: true,
            size: "sm",
            margin: "md",
          }),
        ]),
      }),
    ),
  },
  chinese: {
    language: "zh-TW",
    messages: one(
      text(
        "您好!您的購物車裡還有「煎茶」和「茶杯」,現在下單即可享免運優惠,活動到今晚十一點五十九分為止。歡迎隨時與我們聯絡。",
      ),
    ),
  },
  thai: {
    language: "th",
    messages: one(text("สวัสดีค่ะ ชาของคุณยังรออยู่ในตะกร้า จัดส่งฟรีถึงวันนี้เวลาห้าทุ่มห้าสิบเก้านาที หากมีคำถามกรุณาติดต่อเรา")),
  },
  "trouble: variables and pictures": {
    messages: [
      { message: text("Hello , your tea waits"), at, gaps: [{ at: 6, name: "first name" }] },
      {
        message: {
          type: "image",
          originalContentUrl: `${shop}/gone.png`,
          previewImageUrl: `${shop}/gone.png`,
        },
        at,
      },
      {
        message: flex({
          type: "bubble",
          size: "kilo",
          hero: image("gone", { size: "full", aspectRatio: "20:13" }),
          body: column([say("For ", { wrap: true })]),
        }),
        at,
        gaps: [{ at: 4, name: "first name", path: "/contents/body/contents/0/text" }],
      },
    ],
  },
  "trouble: unknown and too long": {
    messages: one(
      { type: "hologram" },
      flex({
        type: "bubble",
        size: "kilo",
        body: column([say("Before"), { type: "hologram" }, column([{ type: "poem" }]), say("After")]),
      }),
      flex({
        type: "bubble",
        size: "kilo",
        body: column([button("Too far", { action: open("Too far", `/${"x".repeat(1000)}`) })]),
      }),
      text("あ".repeat(60) + " ".repeat(4950)),
    ),
    language: "ja",
  },
};

function cards(n: number, size: "kilo" | "micro" = "kilo") {
  const names = ["tea", "cup", "matcha"];
  return Array.from({ length: n }, (_, i) =>
    card(
      names[i % 3] ?? "tea",
      i === 0 ? "A name so long that it takes two lines of the card" : `Tea no. ${i + 1}`,
      `¥${(i + 1) * 400}`,
      size,
    ),
  );
}

function imagemap(): LineMessage {
  return {
    type: "imagemap",
    baseUrl: `${shop}/map`,
    altText: "Three teas",
    baseSize: { width: 1040, height: 701 },
    actions: [
      {
        type: "uri",
        linkUri: `${shop}/1`,
        label: "First tea",
        area: { x: 60, y: 60, width: 440, height: 580 },
      },
      {
        type: "uri",
        linkUri: `${shop}/2`,
        label: "Second tea",
        area: { x: 540, y: 60, width: 440, height: 270 },
      },
      {
        type: "message",
        text: "third",
        label: "Third tea",
        area: { x: 540, y: 370, width: 440, height: 270 },
      },
    ],
  };
}

// boxes shows sizes of text, shares of a row, gravity, borders, corners, spans, long lines.
function boxes() {
  const part = (label: string, more: object) =>
    column([say(label, { size: "xs", align: "center", color: "#ffffff" })], {
      backgroundColor: "#2F6FD0",
      cornerRadius: "md",
      paddingAll: "sm",
      ...more,
    });
  return {
    type: "bubble" as const,
    body: column(
      [
        base(
          ["xxs", "xs", "sm", "md", "lg"].map((size) => say(size, { size, flex: 0 })),
          { spacing: "md" },
        ),
        base(
          ["xl", "xxl", "3xl"].map((size) => say(size, { size, flex: 0 })),
          { spacing: "md" },
        ),
        say("One line that is longer than its card shows an ellipsis at its end", { weight: "bold" }),
        say(
          "At most two lines of this text are shown, whatever comes after them, however much it may be, to the very end",
          { wrap: true, maxLines: 2, size: "sm", color: "#666666" },
        ),
        row([part("1", { flex: 1 }), part("2", { flex: 2 }), part("3", { flex: 3 })], { spacing: "sm" }),
        row(
          [
            image("cup", { size: "xxs", gravity: "bottom", flex: 0 }),
            line(),
            say("bottom", { gravity: "bottom" }),
            say("centre", { gravity: "center", align: "center" }),
            say("top", { align: "end" }),
          ],
          {
            spacing: "md",
            height: "70px",
            borderWidth: "normal",
            borderColor: "#B26A00",
            cornerRadius: "lg",
            paddingAll: "sm",
          },
        ),
        row([part("a", { width: "40px" }), part("b", { width: "40px" })], {
          justifyContent: "space-between",
        }),
        {
          type: "text",
          wrap: true,
          contents: [
            { type: "span", text: "Spans " },
            { type: "span", text: "bold ", weight: "bold" },
            { type: "span", text: "red ", color: "#A8201A" },
            { type: "span", text: "big ", size: "xl" },
            { type: "span", text: "line", decoration: "underline" },
          ],
        },
      ],
      { spacing: "md" },
    ),
  };
}

function rtl() {
  return {
    type: "bubble" as const,
    size: "kilo" as const,
    direction: "rtl" as const,
    body: row(
      [say("first", { flex: 0 }), line(), say("second, from the right", { wrap: true, size: "sm" })],
      { spacing: "md" },
    ),
  };
}
