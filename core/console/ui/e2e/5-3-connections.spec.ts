import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { knock, looked, sizes } from "./console";
import { asShop, changeAccount, customer, type Items, scanned, told } from "./sim";
import { say } from "./words";

// What goes wrong with connections, and is repaired by the merchant (UX 5.3, 5.4): in a shop of
// its own, since nobody else could work meanwhile.

type LINE = {
  name: string;
  messaging_channel_id: string;
  messaging_channel_secret: string;
  login_channel_id: string;
  login_channel_secret: string;
  webhook_endpoint: string;
};
type Channel = { id: string; name: string; property_suffix: string };

const klaviyoOf = (language: string) => ({ id: `OWN-${language}`.toUpperCase(), name: `Own ${language}` });

// own signs in to the shop of its own, and sets it up when it is new.
async function own(page: Page, request: APIRequestContext, language: "en" | "ja") {
  const t = say(language);
  const klaviyo = klaviyoOf(language);
  await told(request, "/klaviyo/accounts", klaviyo);
  await page.setViewportSize(sizes[language]);
  await knock(page, language, `${process.env.LUMO_E2E_OWN}${language}@hanatea.example`);
  await expect(page.getByRole("heading", { level: 1 })).not.toHaveText(t("account.signIn.title"));
  await asShop(page, "", { name: "Kaze Tea", country: "JP", language }, "PATCH");
  const { state } = await asShop<{ state: string }>(page, "/klaviyo");
  if (state !== "working") {
    const go = await asShop<{ authorize_url: string }>(page, "/klaviyo/connect", { repair_flows: false });
    await page.goto(go.authorize_url);
    await approve(page, klaviyo.id);
  }
  return { t, klaviyo, shop: page.url().split("/").slice(0, 4).join("/") };
}

// approve is the member's click on Klaviyo's page.
async function approve(page: Page, account: string, button = "Approve") {
  await page.locator("select").selectOption(account);
  await page.getByRole("button", { name: button }).click();
  await expect(page).toHaveURL(/result=/);
}

const keysOf = (line: LINE) => ({
  messaging_channel_id: line.messaging_channel_id,
  messaging_channel_secret: line.messaging_channel_secret,
  login_channel_id: line.login_channel_id,
  login_channel_secret: line.login_channel_secret,
});

// account is a LINE account that is connected; LINE sends its events where it is told to.
async function account(page: Page, request: APIRequestContext, fields: object = {}) {
  const line = await told<LINE>(request, "/line/channels", {
    name: `Kaze Tea ${Date.now() % 100_000}`,
    use_webhook: true,
    ...fields,
  });
  const channel = await asShop<Channel>(page, "/channels", keysOf(line));
  return { line, channel };
}

const customerOf = (request: APIRequestContext, klaviyo: { id: string }, email: string) =>
  told<{ id: string }>(request, `/klaviyo/profiles?account=${klaviyo.id}`, { email, first_name: "Kaze" });

for (const language of ["en", "ja"] as const) {
  test(`5.4 another tool, another provider, a new secret, a second account: ${language}`, {
    tag: "@apart",
  }, async ({ page, request }) => {
    test.setTimeout(360_000);
    const { t, klaviyo, shop } = await own(page, request, language);
    const button = (key: string) => page.getByRole("button", { name: t(key), exact: true });
    const { line, channel } = await account(page, request, {
      webhook_endpoint: "https://old-tool.example/hook?key=secret",
      login_provider: "An agency",
    });
    const at = `/line/channels/${line.messaging_channel_id}`;
    const step = (name: string) => page.goto(`${shop}/settings/line?step=${name}&account=${channel.id}`);

    await test.step("another tool keeps getting the events until it is replaced", async () => {
      const host = "old-tool.example";
      await step("webhook");
      const other = page.getByRole("alert").filter({ hasText: host });
      await expect(other).toContainText(t("connection.line.other", { host }));
      expect(await page.getByRole("main").innerText()).not.toContain("key=secret");
      await looked(page, `5-4-other-tool-${language}`);
      await button("connection.line.keep").click();
      await expect(other).toContainText(t("connection.line.kept", { host }));
      await looked(page, `5-4-kept-${language}`);
      await button("common.goOn").click();
      await expect(page.locator("[data-row=webhook_url]")).toHaveAttribute("data-state", "bad");
      await expect(page.locator("[data-row=other_tool]")).toHaveAttribute("data-state", "warning");
      await looked(page, `5-4-preflight-other-${language}`);
      expect((await told<LINE>(request, at)).webhook_endpoint).toContain(host); // as it was
      await page.goBack();
      await button("connection.line.replace").click();
      await expect(other).toBeHidden();
      await expect(page.locator("[data-row=webhook_url]")).toHaveAttribute("data-state", "good");
      expect((await told<LINE>(request, at)).webhook_endpoint).not.toContain(host);
      await looked(page, `5-4-replaced-${language}`);
    });

    const email = `kaze${Date.now()}@own.example`;
    await customerOf(request, klaviyo, email);
    const person = await told<{ id: string }>(request, "/people", { name: `Kaze ${language}`, language });
    const scan = async () => {
      await step("scan");
      await page.getByLabel(t("connection.own.email")).fill(email);
      await button("connection.own.show").click();
      const code = page.getByRole("img", { name: t("connection.own.qr") });
      await expect(code).toBeVisible();
      const image = await (await page.request.get((await code.getAttribute("src")) ?? "")).body();
      await scanned(request, person.id, { image: image.toString("base64") });
    };

    await test.step("channels of two providers are found out by the scan, and repaired", async () => {
      await scan();
      const alert = page.getByRole("alert").filter({ hasText: t("connection.line.otherProvider") });
      await expect(alert).toBeVisible();
      await looked(page, `5-4-provider-${language}`);
      const login = { login_channel_id: `${Date.now()}`.slice(-10), login_channel_secret: "a1".repeat(16) };
      await changeAccount(request, line.messaging_channel_id, { ...login, login_provider: "" });
      await step("login");
      await page.getByLabel(t("connection.line.login_channel_id")).fill(login.login_channel_id);
      await page
        .getByLabel(t("connection.line.login_channel_secret"), { exact: true })
        .fill(login.login_channel_secret);
      await button("connection.line.change.login").click();
      await expect(page.getByText(t("connection.line.login_channel_id")).first()).toContainText(
        login.login_channel_id,
      );
      await looked(page, `5-4-login-changed-${language}`);
      await scan();
      await expect(page.getByText(t("connection.own.tester"))).toBeVisible();
      await expect(alert).toBeHidden();
      await expect(page.locator("[data-row=provider]")).toHaveAttribute("data-state", "good");
      await expect(page.locator("[data-row=callback]")).toHaveAttribute("data-state", "good");
      await looked(page, `5-4-proven-${language}`);
    });

    await test.step("what was refused under the old secret is read with the new one", async () => {
      const { messaging_channel_secret } = await told<LINE>(request, `${at}/reissue_secret`, {
        which: "messaging",
      });
      const name = `Late ${Date.now()}`;
      const late = await told<{ id: string }>(request, "/people", { name, language });
      await told(request, `/people/${late.id}/follow`, { channel: line.messaging_channel_id });
      const tries = async () =>
        (await told<Items<{ status: number }>>(request, "/line/webhooks")).items.at(-1)?.status;
      await expect.poll(tries).toBe(401);
      const friends = async () =>
        (await asShop<Items<{ name: string }>>(page, `/channels/${channel.id}/friends`)).items.map(
          (f) => f.name,
        );
      expect(await friends()).not.toContain(name);
      await step("messaging");
      const secret = page.getByLabel(t("connection.line.messaging_channel_secret"), { exact: true });
      await secret.fill("0".repeat(32));
      await button("connection.line.change.messaging").click();
      await expect(
        page.getByRole("alert").filter({ hasText: t("connection.line.notChanged") }),
      ).toBeVisible();
      await looked(page, `5-4-secret-wrong-${language}`);
      await secret.fill(` ${messaging_channel_secret} `); // pasted with blanks
      await button("connection.line.change.messaging").click();
      await expect.poll(friends).toContain(name);
      await looked(page, `5-4-secret-changed-${language}`);
    });

    await test.step("a second account has keys, friends and property names of its own", async () => {
      const name = `Kaze Books ${Date.now() % 100_000}`;
      const books = await told<LINE>(request, "/line/channels", { name, use_webhook: true });
      const region = page.getByRole("region", { name: new RegExp(`^${name} `) });
      await page.goto(`${shop}/settings/connections`);
      await looked(page, `5-3-one-account-${language}`);
      await page
        .getByRole("region", { name: t("connection.line.more") })
        .getByRole("link", { name: t("connection.line.connect") })
        .click();
      await button("common.goOn").click();
      const id = page.getByLabel(t("connection.line.messaging_channel_id"));
      const secret = page.getByLabel(t("connection.line.messaging_channel_secret"), { exact: true });
      const now = await told<LINE>(request, at);
      await id.fill(now.messaging_channel_id);
      await secret.fill(now.messaging_channel_secret);
      await button("connection.line.check").click();
      await expect(page.getByText(t("connection.line.known"))).toBeVisible();
      await expect(button("connection.line.yes")).toBeDisabled();
      await looked(page, `5-4-known-${language}`);
      await id.fill(books.messaging_channel_id);
      await secret.fill(books.messaging_channel_secret);
      await button("connection.line.check").click();
      await button("connection.line.yes").click();
      await page.getByLabel(t("connection.line.login_channel_id")).fill(books.login_channel_id);
      await page
        .getByLabel(t("connection.line.login_channel_secret"), { exact: true })
        .fill(books.login_channel_secret);
      await button("connection.line.connect").click();
      await expect(page.locator("[data-row=webhook_url]")).toHaveAttribute("data-state", "good");
      await page.goto(`${shop}/settings/connections`);
      await expect(region).toBeVisible();
      await looked(page, `5-3-two-accounts-${language}`);
      await page.goto(`${shop}/settings/klaviyo?step=accounts`);
      const all = await asShop<Items<Channel>>(page, "/channels");
      const suffix = (of: (c: Channel) => boolean) => all.items.find(of)?.property_suffix;
      const its = suffix((c) => c.name === name);
      expect(its).not.toBe(suffix((c) => c.id === channel.id));
      await expect(region.getByText(`LINE User ID${its}`, { exact: true })).toBeVisible();
      await looked(page, `5-3-names-${language}`);
    });
  });

  test(`5.3 Klaviyo is reconnected, and what waited arrives: ${language}`, {
    tag: "@apart",
  }, async ({ page, request }) => {
    const { t, klaviyo, shop } = await own(page, request, language);
    const { line, channel } = await account(page, request);
    await asShop(page, `/channels/${channel.id}/webhook`, { replace: false });
    const email = `nagi${Date.now()}@own.example`;
    const { id } = await customerOf(request, klaviyo, email);
    const person = await told<{ id: string }>(request, "/people", { name: `Nagi ${language}`, language });
    const code = await asShop<{ url: string }>(page, `/channels/${channel.id}/qr_codes`, {
      name: "Own",
      identify_by: "profile",
    });
    await scanned(request, person.id, { url: `${code.url}?k=${id}` });
    const consent = async () => {
      const known = (await customer(request, `${email}?account=${klaviyo.id}`)).profile.properties;
      return Object.entries(known).find(([name]) => /^LINE Consent( \d+)?$/.test(name))?.[1];
    };
    await expect.poll(consent).toBe("given");

    await told(request, `/klaviyo/uninstall?account=${klaviyo.id}`, {});
    await told(request, `/people/${person.id}/block`, { channel: line.messaging_channel_id });
    await page.goto(`${shop}/settings/connections`);
    const card = page.getByRole("region", { name: `Klaviyo: ${klaviyo.name}` });
    await expect(card.getByText(t("connection.state.reconnect"), { exact: true })).toBeVisible();
    await expect(card.getByText(t("connection.klaviyo.waiting_other", { n: 2 }))).toBeVisible();
    await looked(page, `5-3-reconnect-${language}`);
    await page
      .getByRole("alert")
      .filter({ hasText: t("connection.klaviyo.reconnect_other", { n: 2 }) })
      .getByRole("link", { name: t("connection.klaviyo.again") })
      .click();
    const again = page.getByRole("button", { name: t("connection.klaviyo.again") });
    await expect(page.getByText(t("connection.klaviyo.goAgain"))).toBeVisible(); // straight to the step
    await looked(page, `5-3-approve-again-${language}`);
    await again.click();
    await approve(page, klaviyo.id, "Deny");
    await expect(page.getByText(t("connection.klaviyo.refused"))).toBeVisible();
    await looked(page, `5-3-refused-${language}`);
    expect(await consent()).toBe("given"); // Klaviyo has heard nothing
    await again.click();
    await approve(page, klaviyo.id);
    await expect(page.getByText(t("connection.klaviyo.connected"))).toBeVisible();
    await expect.poll(consent).toBe("withdrawn");
    const metrics = async () =>
      (await customer(request, `${email}?account=${klaviyo.id}`)).events.map((e) => e.metric);
    await expect.poll(metrics).toContain("Blocked LINE Account");
    await expect(page.getByRole("alert")).toHaveCount(0);
    await page.goto(`${shop}/settings/klaviyo?step=approve`);
    await expect(page.getByText(t("connection.klaviyo.waiting_other", { n: 0 }))).toBeVisible();
    await expect(page.getByText(t("connection.klaviyo.alive"))).toBeVisible(); // the 90 days
    await looked(page, `5-3-reconnected-${language}`);
  });
}
