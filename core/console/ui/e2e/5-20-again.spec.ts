import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { leavesCart, reminders } from "./klaviyo";
import { asMember, type Items, met, sim, told } from "./sim";
import { type Language, type Say, say } from "./words";

type Visit = { page: Page; request: APIRequestContext; language: Language; t: Say; home: string };
type Customer = { email: string; profile: string; person: string; name: string; friend: string };

// arrived makes a customer and a friend of their own, whom nothing links yet.
async function arrived({ page, request, language }: Visit): Promise<Customer> {
  const stamp = `${Date.now()}`;
  const [name, email] = [`Sora ${stamp}`, `sora${stamp}@customer.example`];
  const profile = await told<{ id: string }>(request, "/klaviyo/profiles", { email, first_name: "Sora" });
  const person = await told<{ id: string }>(request, "/people", { name, language });
  await told(request, `/people/${person.id}/follow`, {});
  return { email, profile: profile.id, person: person.id, name, friend: await met(page, name) };
}

const fault = (request: APIRequestContext, api: string, kind: string, times: number) =>
  told(request, "/faults", { api, kind, times });

// opened opens the newest call of somebody in some state.
async function opened({ page, home }: Visit, whose: string, says: string | RegExp, path = "/flows") {
  await page.goto(home + path);
  const call = page.getByRole("row").or(page.getByRole("listitem")); // a table on a desk, cards on a phone
  await call.filter({ hasText: whose }).filter({ hasText: says }).first().getByRole("link").first().click();
}

// tried says when what was kept aside was tried again.
const tried = (t: Say) => new RegExp(t("flow.kept.triedAt").replace("{time}", "\\d"));

// A call that led to no message, or to one that LINE did not confirm, and what can be
// done about it (UX 5.20): look again, send what was not sent, send what may have arrived.
for (const language of ["en", "ja"] as const)
  test(`5.20 what became of a call, and what can be done about it: ${language}`, async ({
    page,
    request,
  }) => {
    const t = say(language);
    const why = { en: /not linked to a LINE friend/, ja: /LINEの友だちと連携されていない/ }[language];
    const cure = { en: "Send a linking QR", ja: "連携用QRを送る" }[language];
    const called = { en: "What Klaviyo sent", ja: "Klaviyoが送った内容" }[language];
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const visit = { page, request, language, t, home };
    const her = await arrived(visit);
    const button = (key: string) => page.getByRole("main").getByRole("button", { name: t(key), exact: true });
    const has = (n: number) => expect.poll(() => reminders(request, her.person), { timeout: 30_000 }).toBe(n);

    let call = ""; // that led to her fourth message

    await leavesCart(request, her.email);
    await opened(visit, her.profile, why);
    await expect(page.getByText(why).first()).toBeVisible();
    await expect(page.getByRole("link", { name: cure })).toHaveAttribute("href", /linking\/qr$/);
    await page.getByRole("button", { name: called }).click();
    const sent = page.getByRole("region", { name: called });
    await expect(sent).toContainText('"profile_id"');
    await expect(sent).not.toContainText("Sora");
    await looked(page, `5-20-called-${language}`);

    await test.step("looked at again, it is sent once the cause is gone, and once only", async () => {
      const verdict = page.getByRole("main").getByRole("status");
      await button("flow.again.check").click();
      await expect(verdict.filter({ hasText: why })).toBeVisible();
      await button("flow.again.sendNow").click();
      await expect(page.getByRole("alert").filter({ hasText: t("flow.again.failed") })).toBeVisible();
      await asMember(page, `/friends/${her.friend}/link`, { profile_id: her.profile });
      await button("flow.again.check").click();
      await expect(verdict.filter({ hasText: t("flow.again.would") })).toBeVisible();
      await looked(page, `5-20-again-${language}`);
      await button("flow.again.sendNow").click();
      await expect(page.getByText(t("state.sent"), { exact: true }).first()).toBeVisible();
      await expect(button("flow.again.sendNow")).toHaveCount(0);
      await expect(button("flow.again.sendAgain")).toHaveCount(0);
      await has(1);
    });

    await test.step("a repetition is sent only after asking", async () => {
      await fault(request, "klaviyo.flow_webhook", "duplicate_webhook", 1);
      await leavesCart(request, her.email);
      await has(2);
      await opened(visit, her.name, t("state.not_sent"), "/flows?reason=duplicate");
      await expect(button("flow.again.sendNow")).toHaveCount(0);
      await button("flow.again.sendAgain").click();
      const asked = page.getByRole("dialog", { name: t("flow.again.title") });
      await expect(asked).toContainText(t("flow.again.twice"));
      await expect(asked.getByRole("button", { name: t("common.back") })).toBeFocused();
      await looked(page, `5-20-send-again-${language}`);
      await asked.getByRole("button", { name: t("flow.again.sendAgain") }).click();
      await expect(asked).toBeHidden();
      await has(3);
    });

    await test.step("LINE is asked what became of a message, which cannot double it", async () => {
      await fault(request, "line.push", "accept_then_no_answer", 50);
      await leavesCart(request, her.email);
      await opened(visit, her.name, t("state.checking"));
      await button("delivery.quota.ask").click();
      await expect(
        page.getByText(new RegExp(t("delivery.quota.askedAt").replace("{time}", "\\d"))),
      ).toBeVisible();
      await looked(page, `5-20-checking-${language}`);
      await request.delete(`${sim}/sim/v1/faults`);
      await expect(async () => {
        // Lumo asks by itself too, and the button goes when there is nothing to ask for
        if (await button("delivery.quota.ask").isVisible())
          await button("delivery.quota.ask").click({ timeout: 2000 });
        await expect(button("delivery.quota.ask")).toHaveCount(0, { timeout: 2000 });
      }).toPass({ timeout: 60_000 });
      await expect(page.getByText(t("state.sent"), { exact: true }).first()).toBeVisible();
      await has(4);
      call = page.url().split("/").at(-1) ?? "";
    });

    await test.step("what LINE never confirmed is sent again only by who wants that", async () => {
      // That takes 23 hours: the core's answers are changed on their way.
      let state = "unconfirmed";
      let asked: unknown;
      await page.route(/\/flow_requests\/req_[^/]+$/, async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, json: { ...(await answer.json()), state } });
      });
      await page.route("**/send_again", async (route) => {
        asked = route.request().postDataJSON();
        state = "waiting";
        await route.fulfill({ status: 204 });
      });
      await page.reload();
      await button("flow.again.anyway").click();
      const dialog = page.getByRole("dialog", { name: t("flow.again.title") });
      await expect(dialog).toContainText(t("flow.again.mayTwice"));
      await looked(page, `5-20-unconfirmed-${language}`);
      await dialog.getByRole("button", { name: t("flow.again.anyway") }).click();
      await expect(dialog).toBeHidden();
      await expect(button("flow.again.anyway")).toHaveCount(0);
      expect(asked).toEqual({ may_arrive_twice: true });
      await page.unrouteAll({ behavior: "ignoreErrors" });
    });

    await test.step("what LINE sent and is read in part is tried again, and counts once", async () => {
      type Known = { friendships: Record<string, { user_id: string }> };
      const { friendships } = await told<Known>(request, `/people/${her.person}`);
      const [account, known] = Object.entries(friendships)[0] ?? [];
      const source = { type: "user", userId: known?.user_id };
      const wrote = { type: "message", message: { type: "text", id: "1", text: "Hello", quoteToken: "q" } };
      const event = {
        ...wrote,
        mode: "active",
        timestamp: Date.now(),
        source,
        webhookEventId: `01K${Date.now()}`,
      };
      const times = async () => {
        const all = await asMember<Items<{ kind: string }>>(page, `/friends/${her.friend}/timeline`);
        return all.items.filter((one) => one.kind === "said").length;
      };
      await told(request, `/line/channels/${account}/emit`, { events: [event, { type: "message" }] });
      await expect.poll(times).toBe(1);
      await page.goto(`${home}/flows/kept`);
      await expect(page.getByRole("heading", { level: 1, name: t("flow.kept.title") })).toBeVisible();
      const part = page.getByRole("region", { name: t("flow.kept.events"), exact: true });
      const row = part.getByRole("row").filter({ hasText: t("flow.kept.problem.partly_read") });
      await expect(row).toHaveCount(1);
      await row.getByRole("button", { name: t("common.again") }).click();
      await expect(part.getByText(tried(t))).toBeVisible();
      await expect(async () => {
        await page.reload();
        await expect(row).toHaveCount(1, { timeout: 1000 }); // what cannot be read stays so
      }).toPass();
      await looked(page, `5-20-kept-${language}`);
      await row.getByRole("button", { name: t("flow.kept.dismiss") }).click();
      await expect(row).toHaveCount(0);
      expect(await times()).toBe(1);
    });

    await test.step("a message that was sent is not sent again, whatever the page lists", async () => {
      // Only a fault of ours keeps a message aside: the core's answers are changed on their way.
      const { delivery } = await asMember<{ delivery: string }>(page, `/flow_requests/${call}`);
      const friend = { id: her.friend, name: her.name };
      const at = new Date().toISOString();
      let items = [{ id: delivery, kind: "flow", friend, request: call, received_at: at, kept_at: at }];
      await page.route("**/kept_deliveries", (route) =>
        route.fulfill({ json: { items, total: items.length } }),
      );
      await page.reload();
      const part = page.getByRole("region", { name: t("flow.kept.messages"), exact: true });
      const row = part.getByRole("row").filter({ hasText: her.name });
      const again = row.getByRole("button", { name: t("common.again") });
      await again.click(); // the core knows better
      await expect(part.getByRole("alert")).toContainText(t("flow.kept.notTried"));
      await has(4);
      const asked: string[] = [];
      await page.route("**/replay", async (route) => {
        asked.push(route.request().url().split("/").at(-2) ?? "");
        items = [];
        await route.fulfill({ status: 204 });
      });
      await again.click();
      await expect(part.getByText(tried(t))).toBeVisible();
      await expect(row).toHaveCount(0);
      await expect(part.getByText(t("flow.kept.noMessages"))).toBeVisible();
      expect(asked).toEqual([delivery]);
      await page.unrouteAll({ behavior: "ignoreErrors" });
    });
  });
