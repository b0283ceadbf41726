import { type BrowserContext, expect, type Page } from "@playwright/test";
import { violations } from "./axe";

// What all browser tests of the console do. They run against a stack that played the demo's
// story: its people and calls are there.

// pictures is the folder for screenshots; without it none are taken.
export const pictures = process.env.LUMO_E2E_OUT;

// sessions are those of the people who signed in before, by email.
const sessions = new Map<string, Awaited<ReturnType<BrowserContext["cookies"]>>>();

// signIn gives the address of the LINE account's screens. Who was here before comes back with
// the session of then, as people do.
export async function signIn(
  page: Page,
  language: string,
  email = process.env.LUMO_E2E_EMAIL ?? "",
): Promise<string> {
  const home = page.getByRole("heading", { level: 1, name: /^(Home|ホーム)$/ });
  const door = page.getByLabel(/^(Password|パスワード)/).first();
  const known = sessions.get(email);
  if (known) {
    await page.addInitScript((l) => localStorage.setItem("lumo.language", l), language);
    await page.context().addCookies(known);
    await page.goto("/");
    await expect(home.or(door)).toBeVisible();
  }
  if (!(await home.isVisible())) {
    await knock(page, language, email);
    await expect(home).toBeVisible();
    sessions.set(email, await page.context().cookies());
  }
  return page.url().replace(/\/$/, "");
}

// knock signs somebody in, wherever that leads.
export async function knock(page: Page, language: string, email: string) {
  await page.addInitScript((l) => localStorage.setItem("lumo.language", l), language);
  await page.goto("/sign-in");
  await page.getByLabel(/Email|メールアドレス/).fill(email);
  await page
    .getByLabel(/^(Password|パスワード)/)
    .first()
    .fill(process.env.LUMO_E2E_PASSWORD ?? "");
  await page.getByRole("button", { name: /^(Sign in|サインイン)$/ }).click();
}

// accessible insists that axe finds nothing, once what fades has faded: on its way it has the
// colours of no state.
export async function accessible(page: Page, what: string) {
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .every((a) => a.playState !== "running" || a.effect?.getComputedTiming().endTime === Infinity),
  );
  expect((await violations(page)).map((v) => `${what}: ${v}`)).toEqual([]);
}

// fits insists that nothing scrolls sideways, once the page has settled into its width.
export async function fits(page: Page, what: string) {
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await expect.poll(wide, { message: `${what} scrolls sideways` }).toBeLessThanOrEqual(0);
}

// looked is what each screen has to stand: axe, no sideways scroll, and its picture.
export async function looked(page: Page, name: string) {
  await expect(page.getByRole("heading", { level: 1 }).first()).toBeVisible(); // it has loaded
  await expect(page.getByTestId("drawing")).toHaveCount(0); // and its charts
  await accessible(page, name);
  await fits(page, name);
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

// sizes: English on a desk, Japanese on a phone.
export const sizes = { en: { width: 1440, height: 900 }, ja: { width: 390, height: 844 } } as const;
