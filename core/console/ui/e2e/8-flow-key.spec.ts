import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { Hand } from "./hand";
import { cart, leavesCart, reminders, setWebhook } from "./klaviyo";
import { asMember } from "./sim";
import { say } from "./words";

type Key = { last4: string; accepted_24h: number; refused_24h: number; state: string };

const keys = async (page: Page) => (await asMember<{ keys: Key[] }>(page, "/flow_settings")).keys;

const sum = (all: Key[], of: "accepted_24h" | "refused_24h") => all.reduce((n, k) => n + k[of], 0);

const pace = 200; // ms between calls: five a second

// calls keeps carts being left until it is told to end, and answers how many there were.
async function calls(request: APIRequestContext, until: () => boolean): Promise<number> {
  let n = 0;
  for (; !until(); n++) {
    await leavesCart(request, "mio@customer.example");
    await new Promise((resolve) => setTimeout(resolve, pace));
  }
  return n;
}

// put has the cart flow's webhook use a key, as its editor does.
async function put(request: APIRequestContext, key: string) {
  const { webhook } = await cart(request);
  await setWebhook(request, { ...webhook, headers: { ...webhook.headers, "Lumo-Flow-Key": key } });
}

// Walk-through 9 of UX 8: change the flow key without losing one message. And the other way, at
// once, for a key that somebody else may know.
for (const language of ["en", "ja"] as const)
  test(`walk-through 9, the key is changed while calls come in, and none is refused: ${language}`, async ({
    page,
    request,
  }) => {
    const t = say(language);
    const hand = new Hand();
    const button = (key: string) => page.getByRole("button", { name: t(key), exact: true });
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const before = await keys(page);
    let over = false;
    const calling = calls(request, () => over);
    await page.goto(`${home}/flows/settings`);
    await hand.click(button("flow.settings.reissue"));
    await hand.click(page.getByText(t("flow.settings.keepBoth")));
    await looked(page, `5-18-reissue-${language}`);
    await hand.click(button("flow.settings.makeKey"));
    const made = page.getByText(/^lfk_\d+_/);
    await expect(made).toBeVisible();
    const key = await made.innerText();
    await put(request, key);
    hand.n += 3; // Klaviyo's editor: open the webhook, paste the key, save
    hand.within(7, 3);
    const uses = page.getByText(t("flow.uses.valid", { last4: key.slice(-4) }));
    await expect(uses.first()).toBeVisible();
    over = true;
    const n = await calling;
    await expect
      .poll(async () => sum(await keys(page), "accepted_24h") - sum(before, "accepted_24h"), {
        timeout: 60_000,
      })
      .toBe(n);
    expect(sum(await keys(page), "refused_24h")).toBe(sum(before, "refused_24h"));
    expect(await reminders(request, "mio")).toBeGreaterThanOrEqual(n);

    await test.step("at once, with the account's name typed", async () => {
      await button("flow.settings.reissue").click();
      const asked = page.getByRole("dialog", { name: t("flow.settings.reissue") });
      const go = asked.getByRole("button", { name: t("flow.settings.makeKey") });
      const used = sum(await keys(page), "accepted_24h").toLocaleString("en");
      const warning = t("flow.settings.reissueWarning", { n: used }).replace("{m}", "[1-9]");
      await expect(asked.getByText(new RegExp(warning))).toBeVisible();
      const name = asked.getByLabel(t("flow.settings.typeName", { name: "Hana Tea" }));
      await name.fill("Hana");
      await expect(go).toBeDisabled();
      await name.fill("Hana Tea");
      await name.press("Enter"); // starts nothing
      await expect(go).toBeEnabled();
      await looked(page, `5-18-reissue-now-${language}`);
      await go.click();
      await expect(asked).toBeHidden();
      const fresh = page.getByText(/^lfk_\d+_/).filter({ hasNotText: key });
      await expect(fresh).toBeVisible();
      await leavesCart(request, "mio@customer.example"); // the webhook still has the old key
      const row = page.getByRole("row").filter({ hasText: key });
      await expect(row.getByRole("cell", { name: /\/ 1$/ })).toBeVisible(); // accepted / refused
      await put(request, await fresh.innerText());
      const compared = async (value: string, says: string) => {
        await page.getByLabel(t("flow.settings.compare"), { exact: true }).fill(value);
        await button("flow.settings.compareButton").click();
        await expect(page.getByText(t(says, { last4: value.slice(-4) }))).toBeVisible();
      };
      await compared(key, "flow.match.old");
      await compared(await fresh.innerText(), "flow.match.current");
    });

    const doctor = await asMember<{ refused_24h: number }>(page, "/flow_doctor");
    await page.goto(`${home}/flows`);
    const refused = t("flow.finding.wrong_key", { n: doctor.refused_24h, last4: key.slice(-4) });
    await expect(page.getByText(refused)).toBeVisible();
  });
