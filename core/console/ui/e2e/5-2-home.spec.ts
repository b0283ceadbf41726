import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { accessible, fits, knock, pictures, signIn } from "./console";

const sim = process.env.LUMO_E2E_SIM ?? "";

type Opened = { pages: { login?: { request: string }; forms?: unknown[] }[] };

// scanned takes a person from the picture of a QR code through LINE Login to the end.
async function scanned(request: APIRequestContext, person: string, image: Buffer) {
  const phone = `${sim}/sim/v1/people/${person}`;
  const post = async (what: string, data: object) =>
    (await (await request.post(`${phone}/${what}`, { data })).json()) as Opened;
  const login = (await post("scan", { image: image.toString("base64") })).pages.at(-1)?.login;
  const after = await post("consent", { request: login?.request, add_friend: true });
  if ((after.pages.at(-1)?.forms ?? []).length > 0) await post("submit_form", {});
}

const chat = async (request: APIRequestContext, person: string) =>
  await (await request.get(`${sim}/sim/v1/people/${person}/chat`)).text();

async function photograph(page: Page, name: string) {
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

test("5.1 first steps are hidden, and come back", async ({ page }) => {
  await signIn(page, "en");
  const steps = page.getByRole("region", { name: "First steps" });
  await steps.getByRole("button", { name: "Hide first steps" }).click();
  await expect(steps).toBeHidden();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(steps).toBeVisible();
  await steps.getByRole("button", { name: "Hide first steps" }).click();
  await expect(steps).toBeHidden();
  await page.reload();
  await page.getByRole("button", { name: "Show first steps" }).click();
  await expect(steps).toBeVisible();
});

test("5.1 a member links her own phone, and it gets her test once", async ({ page, request }) => {
  await request.post(`${sim}/sim/v1/people`, { data: { id: "aoi", name: "Aoi T." } });
  await request.post(`${sim}/sim/v1/klaviyo/profiles`, { data: { email: "aoi@hanatea.example" } });
  await signIn(page, "en");
  const steps = page.getByRole("region", { name: "First steps" });
  await steps.getByLabel("Your email as a customer in Klaviyo").fill("aoi@hanatea.example");
  await steps.getByRole("button", { name: "Show my QR code" }).click();
  const code = steps.getByRole("img", { name: "QR code that links your phone" });
  await expect(code).toBeVisible();
  const image = await (await page.request.get((await code.getAttribute("src")) ?? "")).body();
  await accessible(page, "own phone");
  await photograph(page, "5-1-own-phone-en-1440");
  await scanned(request, "aoi", image);
  await expect(steps.getByText("That's you! Aoi T. is linked.")).toBeVisible();
  await expect(steps.getByText("Uses 1 message of the month.")).toBeVisible();
  await steps.getByRole("button", { name: "Send test to 1 test friend" }).click();
  const outcome = steps.getByRole("status", { name: "What became of the test" });
  await expect(outcome).toContainText("Aoi T.");
  await expect(outcome).toContainText("Sent");
  await photograph(page, "5-1-test-sent-en-1440");
  const got = await chat(request, "aoi");
  expect(got.split("This is a test from").length - 1).toBe(1);
});

test("5.2 the feed stands still while it is paused", async ({ page, request }) => {
  await signIn(page, "en");
  const feed = page.getByRole("region", { name: "Just now" });
  await feed.getByRole("button", { name: "Pause" }).click();
  const before = await feed.getByRole("listitem").count();
  await request.post(`${sim}/sim/v1/people/aoi/block`, { data: {} });
  await expect(feed.getByRole("button", { name: /^1 new/ })).toBeVisible();
  expect(await feed.getByRole("listitem").count()).toBe(before);
  await feed.getByRole("button", { name: "Go on" }).click();
  await expect(feed.getByRole("listitem").first()).toContainText("Blocked");
});

for (const [language, width] of [
  ["en", 1440],
  ["ja", 390],
] as const)
  test(`5.1, 5.2 home, first run and own account: ${language}, ${width} px`, { tag: "@reads" }, async ({
    page,
  }) => {
    await page.setViewportSize({ width, height: 900 });
    const home = await signIn(page, language);
    for (const [name, address, title] of [
      ["5-2-home", home, /^(Home|ホーム)$/],
      ["5-1-setup", "/setup", /^(Set up your shop|ショップの設定|ショップを設定)/],
      ["me", "/me", /^(Own account|自分のアカウント)$/],
    ] as const) {
      await page.goto(address);
      await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
      await page.waitForLoadState("networkidle");
      await accessible(page, name);
      await fits(page, name);
      await photograph(page, `${name}-${language}-${width}`);
    }
  });

test("a person signs out everywhere else", async ({ page, browser }) => {
  const other = await browser.newPage();
  for (const at of [other, page]) {
    await knock(at, "en", process.env.LUMO_E2E_MEMBER ?? ""); // a session of each browser's own
    await expect(at.getByRole("heading", { level: 1, name: "Home" })).toBeVisible();
  }
  await page.goto("/me");
  await page.getByRole("button", { name: /^Sign out everywhere else/ }).click();
  await expect(page.getByText("You are signed in nowhere else.")).toBeVisible();
  await other.goto("/");
  await expect(other).toHaveURL(/\/sign-in$/);
  await other.close();
});
