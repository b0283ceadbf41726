import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

const email = process.env.LUMO_E2E_EMAIL ?? "";
const password = process.env.LUMO_E2E_PASSWORD ?? "";
const pictures = process.env.LUMO_E2E_OUT;

async function signIn(page: Page, language: string) {
  await page.addInitScript((l) => localStorage.setItem("lumo.language", l), language);
  await page.goto("/sign-in");
  await page.getByLabel(/Email|メールアドレス/).fill(email);
  await page
    .getByLabel(/^(Password|パスワード)/)
    .first()
    .fill(password);
  await page.getByRole("button", { name: /^(Sign in|サインイン)$/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^(Home|ホーム)$/ })).toBeVisible();
}

async function accessible(page: Page) {
  const found = await new AxeBuilder({ page }).analyze();
  expect(found.violations.map((v) => `${v.id} ${v.nodes.map((n) => n.target).join(" ")}`)).toEqual([]);
}

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

test("3 a screen is found by its name in the FAQ, without the mouse", async ({ page }) => {
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
  test(`5.3, 5.4 connections and both wizards have no axe findings: ${language}, ${width} px`, async ({
    page,
  }) => {
    await page.setViewportSize({ width, height: 900 });
    await signIn(page, language);
    const shop = page.url().replace(/\/oa\/.*$/, "");
    for (const name of ["connections", "klaviyo?step=rights", "line?step=messaging"]) {
      await page.goto(`${shop}/settings/${name}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await page.waitForLoadState("networkidle");
      await accessible(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wide, name).toBeLessThanOrEqual(0);
      if (pictures)
        await page.screenshot({ path: `${pictures}/5-3-${name.split("?")[0]}-${language}-${width}.png` });
    }
  });
