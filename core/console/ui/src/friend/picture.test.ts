import { expect, test } from "vitest";
import { pictureOf } from "./picture";

test("a picture comes from LINE's hosts alone, through the core", () => {
  const own = "https://profile.line-scdn.net/0hAb_1";
  expect(pictureOf("mer_1", own)).toBe(`/api/v1/merchants/mer_1/picture?url=${encodeURIComponent(own)}`);
  expect(pictureOf("mer_1", own, true)).toContain(encodeURIComponent(`${own}/small`));
  for (const address of [
    undefined,
    "",
    "no address",
    "http://profile.line-scdn.net/0h",
    "https://profile.line-scdn.net.evil.example/0h",
    "https://line-scdn.net.evil.example/0h",
    "https://evil.example/?https://profile.line-scdn.net/0h",
    "https://profile.line-scdn.net@evil.example/0h",
    "javascript:alert(1)//.line-scdn.net",
    "data:image/png;base64,AAAA",
  ])
    expect(pictureOf("mer_1", address), address).toBeUndefined();
});
