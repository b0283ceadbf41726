import { expect, test } from "@playwright/test";
import { accessible, fits, pictures, signIn } from "./console";

test("3 sending is stopped in two clicks, and resumed", async ({ page }) => {
  await signIn(page, "en");
  await page.getByRole("button", { name: "Stop sending" }).click();
  await page.getByRole("button", { name: "Stop everything on this account" }).click();
  const banner = page.getByRole("alert").filter({ hasText: "Sending is stopped since" });
  await expect(banner).toBeVisible();
  await banner.getByRole("button", { name: "Resume…" }).click();
  await page.getByRole("button", { name: /^Resume: / }).click();
  await expect(banner).toBeHidden();
  await expect(page.getByRole("button", { name: "Stop sending" })).toBeVisible();
});

test("3 a screen is found by its name in the FAQ, without the mouse", { tag: "@reads" }, async ({ page }) => {
  await signIn(page, "en");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Screen, setting or friend" }).fill("authentication key");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Flow Message Settings" })).toBeVisible();
});

for (const [language, width] of [
  ["en", 1440],
  ["ja", 390],
] as const)
  test(`5.3, 5.4 connections and both wizards have no axe findings: ${language}, ${width} px`, {
    tag: "@reads",
  }, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 });
    await signIn(page, language);
    const shop = page.url().replace(/\/oa\/.*$/, "");
    for (const name of ["connections", "klaviyo?step=rights", "line?step=messaging"]) {
      await page.goto(`${shop}/settings/${name}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await page.waitForLoadState("networkidle");
      await accessible(page, name);
      await fits(page, name);
      if (pictures)
        await page.screenshot({ path: `${pictures}/5-3-${name.split("?")[0]}-${language}-${width}.png` });
    }
  });
