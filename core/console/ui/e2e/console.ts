import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

// What all browser tests of the console do. They run against a stack that played the demo's
// story: its people and calls are there.

// pictures is the folder for screenshots; without it none are taken.
export const pictures = process.env.LUMO_E2E_OUT;

// signIn gives the address of the LINE account's screens.
export async function signIn(page: Page, language: string): Promise<string> {
  await page.addInitScript((l) => localStorage.setItem("lumo.language", l), language);
  await page.goto("/sign-in");
  await page.getByLabel(/Email|メールアドレス/).fill(process.env.LUMO_E2E_EMAIL ?? "");
  await page
    .getByLabel(/^(Password|パスワード)/)
    .first()
    .fill(process.env.LUMO_E2E_PASSWORD ?? "");
  await page.getByRole("button", { name: /^(Sign in|サインイン)$/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^(Home|ホーム)$/ })).toBeVisible();
  return page.url().replace(/\/$/, "");
}

// accessible insists that axe finds nothing.
export async function accessible(page: Page, what: string) {
  const found = await new AxeBuilder({ page }).analyze();
  expect(found.violations.map((v) => `${what}: ${v.id} ${v.nodes.map((n) => n.target).join(" ")}`)).toEqual(
    [],
  );
}

// fits insists that nothing scrolls sideways.
export async function fits(page: Page, what: string) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(wide, `${what} scrolls sideways`).toBeLessThanOrEqual(0);
}
