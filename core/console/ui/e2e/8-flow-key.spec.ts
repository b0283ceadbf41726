import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { accessible, signIn } from "./console";
import { cart, leavesCart, reminders, setWebhook } from "./klaviyo";
import { asMember } from "./sim";

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

// Walk-through 9 of UX 8: change the flow key without losing one message.
test("walk-through 9, the key is changed while calls come in, and none is refused", async ({
  page,
  request,
}) => {
  const home = await signIn(page, "en");
  const before = await keys(page);
  let over = false;
  const calling = calls(request, () => over);
  await page.goto(`${home}/flows/settings`);
  await page.getByRole("button", { name: "Reissue Authentication Key" }).click();
  await page.getByText("Keep both for a while").click();
  await accessible(page, "5-18-reissue");
  await page.getByRole("button", { name: "Make a new key" }).click();
  const made = page.getByText(/^lfk_\d+_/);
  await expect(made).toBeVisible();
  const key = await made.innerText();
  const { webhook } = await cart(request);
  await setWebhook(request, { ...webhook, headers: { ...webhook.headers, "Lumo-Flow-Key": key } });
  const uses = page.getByText(`Key ending ${key.slice(-4)}`);
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
});
