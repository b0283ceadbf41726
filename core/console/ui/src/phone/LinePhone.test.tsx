import { fireEvent, render, screen, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { LinePhone, pieces } from "./LinePhone";
import { letters } from "./limits";
import { Preview } from "./Preview";

test("an address ends before closing punctuation and Japanese text", () => {
  expect(pieces("See https://shop.example/cart?a=1. And https://b.example/x。続き")).toEqual([
    { text: "See " },
    { text: "https://shop.example/cart?a=1", uri: "https://shop.example/cart?a=1" },
    { text: ". And " },
    { text: "https://b.example/x", uri: "https://b.example/x" },
    { text: "。続き" },
  ]);
});

test("what a customer typed is shown as text, never as markup", () => {
  const evil = "<img src=x onerror=alert(1)>";
  render(
    <LinePhone
      account={{ name: "Hana Tea" }}
      label="Preview"
      messages={[{ message: { type: "text", text: evil } }]}
    />,
  );
  expect(screen.getByText(evil)).toBeTruthy();
  expect(document.querySelector("img")).toBeNull();
});

test("an unknown message is said, not left blank", () => {
  render(
    <LinePhone
      account={{ name: "Hana Tea" }}
      label="Preview"
      messages={[{ message: { type: "hologram" } }]}
    />,
  );
  expect(screen.getByText("This cannot be shown yet: type = hologram")).toBeTruthy();
});

test("a tap tells where it leads", () => {
  const tapped = vi.fn();
  render(
    <LinePhone
      account={{ name: "A" }}
      label="P"
      onAction={tapped}
      messages={[{ message: { type: "text", text: "go https://b.example/" } }]}
    />,
  );
  screen.getByRole("button", { name: "https://b.example/" }).click();
  expect(tapped.mock.calls[0]?.[0]).toEqual({ type: "uri", uri: "https://b.example/" });
});

test("an empty variable is a pill where it stands in the text", () => {
  render(
    <LinePhone
      account={{ name: "A" }}
      label="P"
      messages={[
        { message: { type: "text", text: "Hello , your tea waits" }, gaps: [{ at: 6, name: "first name" }] },
      ]}
    />,
  );
  const pill = screen.getByText("first name: empty");
  expect(pill.previousSibling?.textContent).toBe("Hello ");
  expect(pill.nextSibling?.textContent).toBe(", your tea waits");
});

test("too much text says how much is too much, in the reader's language", () => {
  const messages = [{ message: { type: "text", text: "あ".repeat(5001) } }];
  render(<LinePhone account={{ name: "A" }} label="P" language="ja" messages={messages} />);
  expect(screen.getByText("LINEの上限を超えています:5001/5000文字")).toBeTruthy();
});

test("a sender takes the account's place, picture and all", () => {
  const sender = { name: "Aya", iconUrl: "https://shop.example/aya.png" };
  render(
    <LinePhone
      account={{ name: "Hana Tea", picture: "https://shop.example/tea.png" }}
      label="P"
      resolveImage={(address) => `/images?${address}`}
      messages={[{ message: { type: "text", text: "Hi", sender } }]}
    />,
  );
  expect(screen.getByText("Aya")).toBeTruthy();
  expect(document.querySelector("img")?.getAttribute("src")).toBe("/images?https://shop.example/aya.png");
});

test("no picture is loaded where nobody says from where", () => {
  const { container } = render(
    <LinePhone
      account={{ name: "A", picture: "https://shop.example/tea.png" }}
      label="P"
      messages={[{ message: { type: "text", text: "Hi" } }]}
    />,
  );
  expect(container.querySelector("img")).toBeNull();
});

test("notification and text say the same words", () => {
  const messages = [{ message: { type: "text", text: "Your tea waits" } }];
  render(<LinePhone account={{ name: "A" }} label="N" mode="notification" messages={messages} />);
  render(<LinePhone account={{ name: "A" }} label="T" mode="text" messages={messages} />);
  expect(screen.getByRole("region", { name: "N" }).textContent).toContain("Your tea waits");
  expect(screen.getByRole("region", { name: "T" }).textContent).toBe("Your tea waits");
});

test("in the console a tap tells where it leads and goes nowhere", async () => {
  const messages = [{ message: { type: "text", text: "https://shop.example/cart?k=1" } }];
  render(<Preview account={{ name: "A" }} label="Told" messages={messages} />);
  screen.getByRole("button", { name: "https://shop.example/cart?k=1" }).click();
  expect(await screen.findByText("Opens shop.example/cart")).toBeTruthy();
});

const flex = (contents: object) => [{ message: { type: "flex", altText: "A", contents } }];
const box = (contents: object[]) => ({ type: "box", layout: "vertical", contents });

test("an unknown part is said with its path, and the rest is drawn", () => {
  const parts = [{ type: "hologram" }, { type: "text", text: "after" }];
  render(
    <LinePhone account={{ name: "A" }} label="P" messages={flex({ type: "bubble", body: box(parts) })} />,
  );
  expect(screen.getByText("This cannot be shown yet: /body/contents/0")).toBeTruthy();
  expect(screen.getByText("after")).toBeTruthy();
});

test("whatever JSON comes, the phone draws something", () => {
  for (const contents of [null, 7, "x", [], {}, { type: "carousel" }, { type: "bubble", body: 7 }]) {
    const message = { type: "flex", altText: "A", contents, quickReply: 3 } as never;
    const { container } = render(<LinePhone account={{ name: "A" }} label="P" messages={[{ message }]} />);
    expect(container.textContent).toContain("This cannot be shown yet");
  }
});

test("no style reaches the page but the ones LINE knows", () => {
  const evil = {
    ...box([{ type: "text", text: "x", color: "red;background:url(//e)", size: "9vw" }]),
    backgroundColor: "url(https://evil.example/)",
    background: { type: "linearGradient", angle: "0deg", startColor: "url(x)", endColor: "#000000" },
    width: "calc(1px)",
  };
  const { container } = render(
    <LinePhone account={{ name: "A" }} label="P" messages={flex({ type: "bubble", body: evil })} />,
  );
  expect(container.innerHTML).not.toMatch(/evil|url\(|9vw|calc\(1px/);
});

test("a tap on a part inside another leads where the inner one says", () => {
  const tapped = vi.fn();
  const inner = {
    ...box([{ type: "text", text: "inner" }]),
    action: { type: "uri", label: "in", uri: "https://in.example/" },
  };
  const bubble = {
    type: "bubble",
    body: box([inner, { type: "text", text: "outer" }]),
    action: { type: "message", label: "out", text: "hello" },
  };
  render(<LinePhone account={{ name: "A" }} label="P" onAction={tapped} messages={flex(bubble)} />);
  screen.getByText("inner").click();
  screen.getByText("outer").click();
  expect(tapped.mock.calls.map(([action]) => action.type)).toEqual(["uri", "message"]);
});

test("quick replies belong to the last message and go after a tap", () => {
  const quickReply = {
    items: [{ type: "action" as const, action: { type: "message" as const, label: "Yes", text: "yes" } }],
  };
  const messages = [{ message: { type: "text", text: "?", quickReply } }];
  render(<LinePhone account={{ name: "A" }} label="P" onAction={() => {}} messages={messages} />);
  fireEvent.click(screen.getByRole("button", { name: "Yes" }));
  expect(screen.queryByRole("button", { name: "Yes" })).toBeNull();
});

test("a variable without a value is a pill inside a card too", () => {
  const [shown] = flex({ type: "bubble", body: box([{ type: "text", text: "For " }]) });
  if (!shown) return;
  const gaps = [{ at: 4, name: "first name", path: "/contents/body/contents/0/text" }];
  render(<LinePhone account={{ name: "A" }} label="Card" messages={[{ ...shown, gaps }]} />);
  const card = within(screen.getByRole("region", { name: "Card" }));
  expect(card.getByText("first name: empty").previousSibling?.textContent).toBe("For ");
});

test("a picture that fails says so in its place", () => {
  const message = { type: "image", previewImageUrl: "https://shop.example/a.png", originalContentUrl: "x" };
  render(<LinePhone account={{ name: "A" }} label="P" messages={[{ message }]} resolveImage={() => "/a"} />);
  fireEvent.error(screen.getByAltText("Photo"));
  expect(screen.getByText("This picture cannot be loaded: shop.example did not send a picture")).toBeTruthy();
});

test("text tells all words of a card and where its buttons lead", () => {
  const button = { type: "button", action: { type: "uri", label: "Buy", uri: "https://b.example/" } };
  const messages = flex({ type: "bubble", body: box([{ type: "text", text: "Tea" }, button]) });
  render(<LinePhone account={{ name: "A" }} label="Words" mode="text" messages={messages} />);
  expect(screen.getByRole("region", { name: "Words" }).textContent).toBe("ATeaBuy → https://b.example/");
});

test("letters count as people see them", () => {
  expect(letters("👩‍👩‍👧が")).toBe(2);
});
