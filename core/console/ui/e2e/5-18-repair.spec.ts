import { expect, type Page, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { cart, setStatus, setWebhook } from "./klaviyo";
import { asMember, type Items, sim, told } from "./sim";
import { type Say, say } from "./words";

type Action = { id: string; type: string; status: string; url: string; headers: object };
type Flow = { id: string; name: string; status: string; actions: Action[] };
type Settings = { url: string; keys: { last4: string }[] };

// approve gives Lumo the right to change flows at Klaviyo, or takes it back, as an owner does.
async function approve(page: Page, t: Say, home: string, repair: boolean) {
  await page.goto(`${home.replace(/\/oa\/.*/, "")}/settings/klaviyo?step=rights`);
  const right = page.getByRole("checkbox", { name: t("connection.klaviyo.repair") });
  await right.setChecked(repair);
  await looked(page, `5-3-repair-${repair}-${await page.evaluate(() => document.documentElement.lang)}`);
  await page.getByRole("button", { name: t("common.goOn"), exact: true }).click();
  await page.getByRole("button", { name: t("connection.klaviyo.again") }).click();
  await page.getByRole("button", { name: "Approve" }).click(); // Klaviyo's own page
  await expect(page.getByText(t("connection.klaviyo.connected"))).toBeVisible();
}

// The right flows:write is optional. With it Lumo installs a flow as draft, puts the newest key
// into webhooks and sets one live; without it none of this is offered (UX 5.3, 5.17 to 5.19).
for (const language of ["en", "ja"] as const)
  test(`5.18 where Klaviyo lets it, Lumo makes and repairs flows: ${language}`, async ({ page, request }) => {
    const t = say(language);
    const flows = async () => (await told<{ items: Flow[] }>(request, "/klaviyo/flows")).items;
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    await page.goto(`${home}/flows/settings`);
    await expect(page.getByRole("button", { name: t("flow.settings.reissue") })).toBeVisible();
    await expect(page.getByRole("button", { name: t("flow.edit.key") })).toHaveCount(0);
    await approve(page, t, home, true);

    await test.step("a flow with a message is installed as draft", async () => {
      const messages = await asMember<Items<{ id: string; name: string }>>(page, "/messages");
      const message = messages.items.find((m) => m.name === "Abandoned cart");
      await page.goto(`${home}/messages/${message?.id}`);
      await page.getByRole("button", { name: t("message.getJson"), exact: true }).click();
      const install = page.getByRole("region", { name: t("flow.install.title") });
      await install.getByLabel(t("flow.install.name")).fill(`From Lumo ${language}`);
      await install.getByRole("combobox", { name: t("flow.install.trigger") }).click();
      await page.getByRole("option", { name: "Checkout Started" }).click();
      await install.getByRole("button", { name: t("flow.install.go") }).click();
      await expect(page.getByText(t("flow.install.next"))).toBeVisible();
      await looked(page, `5-17-installed-${language}`);
      const settings = await asMember<Settings>(page, "/flow_settings");
      const made = (await flows()).find((f) => f.name === `From Lumo ${language}`);
      expect(made?.status).toBe("draft");
      expect(made?.actions[0].url).toBe(settings.url);
      await request.delete(`${sim}/sim/v1/klaviyo/flows/${made?.id}`);
    });

    await test.step("a ready-made flow is installed, tested, and only then set live", async () => {
      await page.route("**/flow_triggers", (route) => route.fulfill({ status: 429, body: "{}" }));
      await page.goto(`${home}/flows/library`);
      const trouble = page.getByRole("alert").filter({ hasText: t("flow.install.noTriggers") });
      await expect(trouble).toBeVisible();
      await page.unrouteAll({ behavior: "ignoreErrors" });
      await trouble.getByRole("button", { name: t("common.again") }).click();
      await expect(trouble).toBeHidden();
      const card = page.getByRole("listitem").filter({ hasText: t("flow.library.of.thanks") });
      await looked(page, `5-21-library-${language}`);
      await card.getByRole("combobox", { name: t("flow.install.trigger") }).click();
      await page.getByRole("option", { name: "Checkout Started" }).click();
      await card.getByRole("button", { name: t("flow.install.go") }).click();
      await expect(card.getByText(t("flow.library.test"))).toBeVisible();
      await expect(card.getByRole("button", { name: t("flow.edit.live") })).toHaveCount(0);
      const made = async () => (await flows()).find((f) => f.name === t("template.thanks.name"));
      const flow = await made();
      const action = flow?.actions.find((a) => a.type === "send-webhook");
      expect(action?.status).toBe("draft");
      await told(request, `/klaviyo/flows/${flow?.id}/test_send`, {
        profile: "mio@customer.example",
        action: action?.id,
      });
      await card.getByRole("button", { name: t("flow.edit.live") }).click();
      await expect(card.getByText(t("flow.library.live"))).toBeVisible();
      expect((await made())?.actions.find((a) => a.type === "send-webhook")?.status).toBe("live");
      await looked(page, `5-21-live-${language}`);
      await request.delete(`${sim}/sim/v1/klaviyo/flows/${flow?.id}`);
    });

    await test.step("an old key in the cart flow is replaced by the newest", async () => {
      const { webhook } = await cart(request);
      await setWebhook(request, {
        ...webhook,
        headers: { ...webhook.headers, "Lumo-Flow-Key": "lfk_1_old" },
      });
      await page.goto(`${home}/flows/settings`);
      await page.getByRole("button", { name: t("flow.edit.key") }).click();
      const done = page.getByRole("list", { name: t("flow.edit.key") });
      await expect(done).toContainText("Abandoned cart");
      await looked(page, `5-18-put-in-${language}`);
      const { keys } = await asMember<Settings>(page, "/flow_settings");
      const now = (await cart(request)).webhook.headers["Lumo-Flow-Key"];
      expect(now.slice(-4)).toBe(keys[0].last4);
    });

    await test.step("a webhook in draft is found and set live", async () => {
      await setStatus(request, "draft");
      const flow = await cart(request);
      await asMember(page, `/flows/${flow.id}/check`, {}); // what the look every few minutes does
      await page.goto(`${home}/flows`);
      await page
        .getByRole("button", { name: t("flow.check.now") })
        .first()
        .click();
      await page.getByRole("button", { name: t("flow.edit.live") }).click();
      await expect
        .poll(async () => {
          const all = await told<{ items: { id: string; actions: { status: string }[] }[] }>(
            request,
            "/klaviyo/flows",
          );
          return all.items.find((f) => f.id === flow.id)?.actions.map((a) => a.status);
        })
        .toContain("live");
      await looked(page, `5-19-set-live-${language}`);
      await setStatus(request, "live");
    });

    await approve(page, t, home, false);
    await page.goto(`${home}/flows/settings`);
    await expect(page.getByRole("button", { name: t("flow.settings.reissue") })).toBeVisible();
    await expect(page.getByRole("button", { name: t("flow.edit.key") })).toHaveCount(0);
  });
