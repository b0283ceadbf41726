import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { knock, looked, sizes } from "./console";
import { Hand } from "./hand";
import { customer, scanned, told } from "./sim";
import { type Say, say } from "./words";

// Walk-throughs 1 to 4 of UX 8: a new shop goes from nothing to a linked friend, with a LINE
// account and a Klaviyo account of its own. What a person clicks, chooses and fills is counted.

type LINE = {
  name: string;
  messaging_channel_id: string;
  messaging_channel_secret: string;
  login_channel_id: string;
  login_channel_secret: string;
};

// vendors makes the accounts that the shop has at LINE and at Klaviyo, and a person with a phone.
async function vendors(request: APIRequestContext, language: string) {
  const stamp = `${Date.now()}`.slice(-6);
  const line = await told<LINE>(request, "/line/channels", { name: `New shop ${stamp}` });
  const klaviyo = { id: `N${stamp.slice(-5)}`, name: `New shop ${stamp}` };
  await told(request, "/klaviyo/accounts", klaviyo);
  const email = `owner${stamp}@new.example`;
  await told(request, `/klaviyo/profiles?account=${klaviyo.id}`, { email, first_name: "Hikari" });
  const person = await told<{ id: string }>(request, "/people", { name: `Hikari ${stamp}`, language });
  return { line, klaviyo, email, person: person.id, name: `Hikari ${stamp}` };
}

const step = (page: Page, t: Say, which: string) =>
  page
    .getByRole("region", { name: t("home.checklist") })
    .getByRole("listitem")
    .filter({ hasText: t(`home.step.${which}`) });

for (const language of ["en", "ja"] as const) {
  const t = say(language);
  const button = (page: Page, key: string) => page.getByRole("button", { name: t(key), exact: true });

  test(`walk-throughs 1 to 4: a new shop up to its first linked friend: ${language}`, {
    tag: "@apart",
  }, async ({ page, request }) => {
    test.setTimeout(360_000); // four walk-throughs, one after the other
    const has = await vendors(request, language);
    await page.setViewportSize(sizes[language]);
    await knock(page, language, `${process.env.LUMO_E2E_FIRST}${language}@hanatea.example`);

    await test.step("1: set up the shop and see what comes next", async () => {
      const hand = new Hand();
      await expect(page.getByRole("heading", { level: 1, name: t("account.setUp.title") })).toBeVisible();
      await looked(page, `8-1-set-up-${language}`);
      await hand.fill(page.getByLabel(t("account.setUp.name")), "Hikari Tea");
      await page.getByRole("combobox", { name: t("account.setUp.country") }).click();
      await hand.click(page.getByRole("option", { name: /^(Thailand|タイ)$/ }));
      await page.getByRole("combobox", { name: t("account.setUp.country") }).click();
      await hand.click(page.getByRole("option", { name: /^(Japan|日本)$/ }));
      await expect(page.getByText("+81")).toBeVisible();
      await hand.click(button(page, "account.setUp.submit"));
      await expect(step(page, t, "line")).toHaveAttribute("aria-current", "step");
      hand.within(6, 2);
      await looked(page, `8-1-first-steps-${language}`);
    });

    await test.step("2: connect the LINE account", async () => {
      const hand = new Hand();
      await hand.click(page.getByRole("link", { name: t("home.go.line") }).first());
      await hand.click(button(page, "common.goOn"));
      await hand.fill(
        page.getByLabel(t("connection.line.messaging_channel_id")),
        has.line.messaging_channel_id,
      );
      const secret = page.getByLabel(t("connection.line.messaging_channel_secret"), { exact: true });
      await hand.fill(secret, "0".repeat(32));
      await button(page, "connection.line.check").click();
      await expect(page.getByRole("alert").first()).toBeVisible(); // a wrong key is said, and nothing is lost
      await looked(page, `5-4-wrong-key-${language}`);
      await hand.fill(secret, has.line.messaging_channel_secret);
      await hand.click(button(page, "connection.line.check"));
      await hand.click(button(page, "connection.line.yes"));
      await hand.fill(page.getByLabel(t("connection.line.login_channel_id")), has.line.login_channel_id);
      await hand.fill(
        page.getByLabel(t("connection.line.login_channel_secret"), { exact: true }),
        has.line.login_channel_secret,
      );
      await hand.click(button(page, "connection.line.connect"));
      await expect(page.getByText(t("connection.problem.use_webhook"))).toBeVisible();
      await looked(page, `5-4-webhook-${language}`);
      hand.n++; // the switch in LINE's own console
      await told(request, `/line/channels/${has.line.messaging_channel_id}/use_webhook`, { on: true });
      await expect(page.getByText(t("connection.preflight.use_webhook.good"))).toBeVisible();
      await hand.click(button(page, "common.goOn"));
      await expect(page.getByText(t("connection.preflight.ready"))).toBeVisible();
      await expect(page.locator("[data-row][data-state=bad]")).toHaveCount(0);
      await test.step("whether openings are measured is asked, with a text to tell people", async () => {
        const disclosure = page.getByText(t("tracking.disclosure", { name: has.line.name }));
        await expect(page.getByRole("radio", { name: t("connection.opens.on") })).toBeChecked();
        await expect(disclosure).toBeVisible();
        await page.getByRole("radio", { name: t("connection.opens.off") }).click(); // checked once it is saved
        await expect(disclosure).toBeHidden();
        await page.getByRole("radio", { name: t("connection.opens.on") }).click();
        await expect(disclosure).toBeVisible();
      });
      await test.step("the shop's address is kept, where it is one", async () => {
        const address = page.getByLabel(t("connection.shop.label"));
        await address.fill("http://shop.example");
        await button(page, "connection.shop.save").click();
        await expect(address).toHaveAttribute("aria-invalid", "true");
        await address.fill("shop.example/tea");
        await button(page, "connection.shop.save").click();
        await expect(page.getByText(t("connection.shop.saved"))).toBeVisible();
      });
      await looked(page, `5-4-preflight-${language}`);
      hand.within(14, 8);
    });

    await test.step("3: connect Klaviyo", async () => {
      const hand = new Hand();
      await page.goto("/");
      await hand.click(page.getByRole("link", { name: t("home.go.klaviyo") }).first());
      await expect(page.getByText(t("connection.klaviyo.campaign"))).toBeVisible();
      await looked(page, `5-3-who-${language}`);
      await hand.click(button(page, "common.goOn"));
      await expect(page.getByText(t("connection.klaviyo.repairWhy"))).toBeVisible();
      await looked(page, `5-3-rights-${language}`);
      await hand.click(button(page, "common.goOn"));
      await hand.click(button(page, "connection.klaviyo.connect"));
      await page.getByLabel("Account").selectOption(has.klaviyo.id); // one has one account, as a rule
      await hand.click(page.getByRole("button", { name: "Approve" }));
      await expect(page.getByText(t("connection.klaviyo.connected"))).toBeVisible();
      hand.within(5, 2);
      await looked(page, `5-3-connected-${language}`);
      await page.goto(`${page.url().split("?")[0]}?step=accounts`);
      await expect(page.getByText("LINE User ID", { exact: true })).toBeVisible();
      await page.goto(`${page.url().split("?")[0]}?step=test`);
      await button(page, "connection.klaviyo.test").click();
      await expect(page.getByText("example.invalid").or(page.getByText(/@/)).first()).toBeVisible();
      await looked(page, `5-3-test-${language}`);
    });

    await test.step("4: make yourself a linked friend with the phone", async () => {
      const hand = new Hand();
      await page.goto("/");
      await hand.fill(page.getByLabel(t("home.own.email")), has.email);
      await hand.click(button(page, "home.own.show"));
      const code = page.getByRole("img", { name: t("home.own.alt") });
      await expect(code).toBeVisible();
      const image = await (await page.request.get((await code.getAttribute("src")) ?? "")).body();
      hand.n += 2; // the scan, and LINE's consent
      let loads = 0;
      page.on("load", () => loads++);
      await scanned(request, has.person, { image: image.toString("base64") });
      await expect(page.getByText(t("home.thatsYou", { name: has.name }))).toBeVisible();
      expect(loads).toBe(0);
      hand.within(4, 2);
      await looked(page, `8-4-linked-${language}`);
      const linked = async () =>
        (await customer(request, `${has.email}?account=${has.klaviyo.id}`)).profile.properties;
      await expect.poll(async () => (await linked())["LINE Consent"]).toBe("given");
    });
  });
}
