import { render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { LinePhone, pieces } from "./LinePhone";

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
  expect(screen.getByText("messages[].type = hologram")).toBeTruthy();
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
