import { expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { reminders, setWebhook, testSend } from "./klaviyo";
import { say as texts } from "./words";

// Walk-through 6 of UX 8: let the cart flow send a message; prove it with a test.
for (const language of ["en", "ja"] as const)
  test(`walk-through 6, a test of the cart flow reaches the phone, and the Flow doctor is green: ${language}`, async ({
    page,
    request,
  }) => {
    const say = {
      en: { message: "Abandoned cart", json: "Get JSON", show: /^Show key ending/, sent: "Sent" },
      ja: { message: "Abandoned cart", json: "JSONを取得", show: /末尾.*表示|を表示/, sent: "送信済み" },
    }[language];
    const t = texts(language);
    const home = await signIn(page, language);
    await page.goto(`${home}/messages`);
    await page.getByRole("link", { name: say.message }).first().click();
    await page.getByRole("button", { name: say.json }).click();
    const panel = page.getByRole("region", { name: say.json, exact: true }).first();
    const body = await panel.getByRole("region").first().innerText();
    expect(JSON.parse(body.replaceAll(/\{\{.*?\}\}/g, "x"))).toHaveProperty("message");
    await page.goto(`${home}/flows/settings`);
    await page.getByRole("button", { name: say.show }).first().click();
    const key = await page.getByText(/^lfk_\d+_/).innerText();
    const url = await page
      .getByText(/\/hooks\/klaviyo\/flow\//)
      .first()
      .innerText();
    await setWebhook(request, {
      url,
      body,
      headers: { "Lumo-Flow-Key": key, "Content-Type": "application/json" },
    });
    const before = await reminders(request, "mio");
    await testSend(request, "mio@customer.example");
    await expect.poll(() => reminders(request, "mio"), { timeout: 30_000 }).toBe(before + 1);
    await page.goto(`${home}/flows`);
    const row = page.getByRole("row", { name: /Mio T\./ }).first();
    await expect(row).toContainText(say.sent);

    // What LINE got stands there as it was sent, without her LINE id.
    await row.getByRole("link").first().click();
    await page.getByRole("button", { name: t("flow.sent.title") }).click();
    const got = page.getByRole("region", { name: t("flow.sent.title") });
    await expect(got).toContainText(/"to":"U…[0-9a-f]{4}"/);
    await expect(got).toContainText("your tea is still waiting");
    await expect(got.getByRole("button", { name: t("common.copy") })).toBeVisible();
    await looked(page, `5-20-sent-${language}`);
    await page.setViewportSize(sizes.ja);
    await looked(page, `5-20-sent-phone-${language}`);
  });
