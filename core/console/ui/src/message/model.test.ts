import { expect, test } from "vitest";
import {
  addressOf,
  apart,
  areasOf,
  blank,
  cardsOf,
  counted,
  covered,
  flexOf,
  inOrder,
  kindOf,
  kinds,
  parse,
  pieces,
  quickReply,
  ratioOf,
  recovered,
  repliesOf,
} from "./model";

test("each kind of block is known again as it was made", () => {
  for (const kind of kinds) expect(kindOf(blank(kind))).toBe(kind);
});

test("what a form would not keep whole stays JSON", () => {
  expect(kindOf('{"type":"text","text":"a","emojis":[]}')).toBe("json");
  expect(
    kindOf('{"type":"imagemap","baseUrl":"","altText":"","baseSize":{},"actions":[{"type":"message"}]}'),
  ).toBe("json");
  expect(kindOf('{"type":"flex","altText":"a","contents":{"type":"bubble"}}')).toBe("json");
  const changed = flexOf("a", [{ title: "t", text: "", picture: "", label: "", link: "" }]);
  (changed.contents as Record<string, unknown>).extra = 1;
  expect(cardsOf(changed)).toBeUndefined();
  expect(kindOf("{")).toBe("json");
});

test("cards, areas and quick replies come back as they were", () => {
  const card = {
    title: "Tea",
    text: "fine",
    picture: "https://a.example/x.jpg",
    label: "Buy",
    link: "https://a.example",
  };
  expect(cardsOf(flexOf("alt", [card, { ...card, text: "" }]))).toEqual([card, { ...card, text: "" }]);
  expect(areasOf(parse(blank("imagemap")) ?? {})).toEqual([]);
  const replies = [
    { label: "Yes", link: "", text: "yes" },
    { label: "Shop", link: "https://a.example", text: "" },
  ];
  expect(repliesOf(quickReply(replies))).toEqual(replies);
  expect(repliesOf('{"items":[{"type":"action","imageUrl":"x"}]}')).toBeUndefined();
});

test("texts are counted as LINE counts them, with fallbacks", () => {
  expect(counted("😀a[[ first_name | there ]]")).toBe(8);
  expect(pieces("Hi [[ first_name | there ]]!")).toEqual([
    { text: "Hi " },
    { name: "first_name", fallback: "there" },
    { text: "!" },
  ]);
});

test("pictures of which a part may be seen are found in any Flex message, and changed alone", () => {
  const hero = '{"type":"image","url":"https://e/m/1", "aspectMode":"cover","aspectRatio":"2:1"}';
  const text = `{"type":"flex","contents":[${hero},\n {"type":"image","url":"https://e/m/1"}, ${hero}]}`;
  expect(covered(text)).toEqual([
    { address: "https://e/m/1", ratio: 2 },
    { address: "https://e/m/1", ratio: 2 },
  ]);
  expect(recovered(text, 0, "https://e/m/2")).toBe(text.replace("m/1", "m/2"));
  expect(covered(recovered(text, 1, "https://e/m/2")).map((c) => c.address)).toEqual([
    "https://e/m/1",
    "https://e/m/2",
  ]);
  expect(covered("{")).toEqual([]);
});

test("a ratio is width to height, and a square where none is written", () => {
  expect(ratioOf("20:13")).toBeCloseTo(1.538, 3);
  for (const wrong of [undefined, "", "1:0", "0:1", "a:b", "4"]) expect(ratioOf(wrong)).toBe(1);
});

test("a draft is saved when the core has the same, in whatever order it writes it", () => {
  const sender = JSON.stringify({ name: "Mei" });
  const mine = { blocks: ["{}"], utm: { source: "" }, sender, quick_reply: undefined };
  const theirs = { sender, blocks: ["{}"], utm: {} };
  expect(inOrder(mine)).toBe(inOrder(theirs));
  expect(inOrder(mine)).not.toBe(inOrder({ ...theirs, blocks: ["[]"] }));
});

test("an address is completed, and what is none is told", () => {
  expect(addressOf(" shop.example/cart?a=1 ")).toBe("https://shop.example/cart?a=1");
  expect(addressOf("http://shop.example")).toBe("http://shop.example");
  expect(addressOf("https://shop.example/[[ product_id | all ]]")).toBe(
    "https://shop.example/[[ product_id | all ]]",
  );
  for (const none of [
    "",
    "cart",
    "a b.example",
    "https://",
    "https://.example",
    "javascript:alert(1)",
    "tel:03",
  ])
    expect(addressOf(none)).toBeUndefined();
});

test("an address stands apart from the text around it", () => {
  const address = "https://shop.example/";
  expect(apart(address, "See", "now")).toBe(` ${address} `);
  expect(apart(address, "See ", "\nnow")).toBe(address);
  expect(apart(address, "", "")).toBe(`${address} `);
});
