import { render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { LinePhone, pieces } from "./LinePhone";
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
  expect(tapped).toHaveBeenCalledWith({ type: "uri", uri: "https://b.example/" });
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
