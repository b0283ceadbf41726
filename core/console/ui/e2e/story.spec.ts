import { expect, test } from "@playwright/test";
import { accessible, fits, pictures, signIn } from "./console";
import { leavesCart } from "./klaviyo";
import { told } from "./sim";

test("5.1 a wrong password says one sentence for all causes", async ({ page }) => {
  await page.addInitScript(() => localStorage.setItem("lumo.language", "en"));
  await page.goto("/");
  await expect(page).toHaveURL(/\/sign-in$/);
  await page.getByLabel("Email").fill("nobody@example.com");
  await page.getByLabel("Password").first().fill("not the password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("alert")).toHaveText("Email, password or code is not right.");
  await accessible(page, "sign-in");
});

test("5.2 the counter rises without a reload", async ({ page, request }) => {
  await signIn(page, "en");
  const sent = page.getByTestId("today-sent");
  const before = Number(await sent.textContent());
  let loads = 0;
  page.on("load", () => {
    loads++;
  });
  await leavesCart(request, "mio@customer.example");
  await expect(sent).toHaveText(String(before + 1), { timeout: 10_000 });
  expect(loads).toBe(0);
});

const screens: [string, string, RegExp][] = [
  ["5-2-home", "", /^(Home|ホーム)$/],
  ["5-12-friends", "/friends", /^(Friends|友だち)$/],
  ["5-18-flow-settings", "/flows/settings", /^(Flow Message Settings|フロー配信設定)$/],
  ["5-19-flow-doctor", "/flows", /^(Flow doctor|フロー診断)$/],
];

for (const [language, width] of [
  ["en", 1440],
  ["ja", 390],
] as const)
  test(`axe finds nothing, and nothing scrolls sideways: ${language}, ${width} px`, {
    tag: "@reads",
  }, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 });
    await signIn(page, language);
    const home = page.url().replace(/\/$/, "");
    for (const [name, path, title] of screens) {
      await page.goto(home + path);
      await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
      await page.waitForLoadState("networkidle");
      await accessible(page, name);
      for (const other of [390, 1440]) {
        await page.setViewportSize({ width: other, height: 900 });
        await fits(page, `${name} at ${other} px`);
      }
      await page.setViewportSize({ width, height: 900 });
      if (pictures)
        await page.screenshot({ path: `${pictures}/${name}-${language}-${width}.png`, fullPage: true });
    }
  });

test("5.20 a call that was not sent says why, and a sent one shows the phone", async ({ page, request }) => {
  await told(request, "/klaviyo/profiles", { email: "far@customer.example" });
  await leavesCart(request, "far@customer.example");
  await signIn(page, "en");
  const home = page.url().replace(/\/$/, "");
  await page.goto(`${home}/flows`);
  await expect(page.getByText("This customer is not linked to a LINE friend").first()).toBeVisible();
  await page
    .getByRole("row", { name: /Mio T\..*Sent/ })
    .first()
    .getByRole("link")
    .click();
  await expect(page.getByRole("region", { name: "What LINE got" })).toContainText(
    "your tea is still waiting",
  );
  await accessible(page, "5-20-request");
  if (pictures) await page.screenshot({ path: `${pictures}/5-20-request-en-1440.png`, fullPage: true });
});

test("5.18 a revealed key is the one that compare knows", async ({ page }) => {
  await signIn(page, "en");
  await page.goto(`${page.url().replace(/\/$/, "")}/flows/settings`);
  await page
    .getByRole("button", { name: /^Show key ending/ })
    .first()
    .click();
  const key = page.getByText(/^lfk_\d+_/).first();
  await expect(key).toBeVisible();
  await page.getByLabel("Paste a key to compare").fill((await key.textContent()) ?? "");
  await page.getByRole("button", { name: "Compare" }).click();
  await expect(page.getByText(/This key is valid/)).toBeVisible();
});
