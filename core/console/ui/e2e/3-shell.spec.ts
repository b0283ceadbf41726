import { expect, test } from "@playwright/test";
import { accessible, fits, looked, pictures, signIn, sizes } from "./console";
import { say } from "./words";

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

for (const language of ["en", "ja"] as const)
  test(`4.13 single keys are turned off under one's account: ${language}`, { tag: "@reads" }, async ({
    page,
  }) => {
    const t = say(language);
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const help = page.getByRole("dialog", { name: t("keys.title") });
    const search = page.getByRole("searchbox", { name: t("friend.search") });
    await page.goto(`${home}/friends`);
    await expect(search).toBeVisible();
    await page.keyboard.press("?");
    await looked(page, `4-keys-${language}`);
    await help.getByRole("link", { name: t("keys.turnOff") }).click();
    const single = page.getByRole("switch", { name: t("keys.single") });
    await expect(single).toBeChecked();
    await single.focus();
    await page.keyboard.press("Space");
    await expect(single).not.toBeChecked();
    await looked(page, `5-1-own-${language}`);
    await page.goto(`${home}/friends`); // a new page: it is remembered
    await expect(search).toBeVisible();
    await page.keyboard.press("?");
    await page.keyboard.press("/");
    await expect(search).not.toBeFocused();
    await expect(help).toHaveCount(0);
    await page.keyboard.press("Control+k"); // no single key
    await expect(page.getByRole("combobox", { name: t("find.label") })).toBeFocused();
    await page.goto("/me");
    await single.focus();
    await page.keyboard.press("Space");
    await expect(single).toBeChecked();
    await page.goto(`${home}/friends`);
    await expect(search).toBeVisible();
    await page.keyboard.press("/");
    await expect(search).toBeFocused();
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
