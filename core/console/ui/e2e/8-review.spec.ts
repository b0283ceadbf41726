import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { Hand } from "./hand";
import { asMember, type Items, met, scanned, told } from "./sim";
import { say } from "./words";

// Walk-through 17 of UX 8: a friend matches two customers; somebody decides and takes it back.
// With it the screens of UX 5.10, by keys in English and by taps on a phone in Japanese.

type Code = { id: string; code: string; name: string; identify_by: string; url: string };

// twoCustomers lets a person scan the codes in two customers' emails.
async function twoCustomers(page: Page, request: APIRequestContext, stamp: string) {
  const codes = await asMember<Items<Code>>(page, "/qr_codes");
  const code = codes.items.find((c) => c.name === "Welcome email");
  const person = await told<{ id: string }>(request, "/people", { name: `Nao ${stamp}`, language: "ja" });
  const made: string[] = [];
  for (const n of [1, 2]) {
    const { id } = await told<{ id: string }>(request, "/klaviyo/profiles", {
      email: `nao${n}.${stamp}@customer.example`,
      first_name: "Nao",
      last_name: `No. ${n}`,
    });
    made.push(id);
    await scanned(request, person.id, { url: `${code?.url}?k=${id}` });
  }
  return { name: `Nao ${stamp}`, friend: await met(page, `Nao ${stamp}`), customers: made };
}

// itemId is a friend's item in the list.
async function itemId(page: Page, friend: string) {
  const all = await asMember<Items<{ id: string; friend: { id: string } }>>(page, "/review");
  return all.items.find((i) => i.friend.id === friend)?.id ?? "";
}

for (const language of ["en", "ja"] as const) {
  const t = say(language);

  test(`walk-through 17: two customers for one friend, decided and taken back: ${language}`, async ({
    page,
    request,
  }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const two = await twoCustomers(page, request, `${Date.now()}`);
    const linkedTo = async () =>
      (await asMember<{ profile_id?: string }>(page, `/friends/${two.friend}`)).profile_id;
    await expect.poll(linkedTo).toBe(two.customers[0]);
    const hand = new Hand();
    await page.goto(`${home}/linking/review`);
    hand.n++; // the menu
    await expect(page.getByRole("heading", { level: 1, name: t("linking.review.title") })).toBeVisible();
    await expect(page.getByText(two.name).first()).toBeVisible();
    await looked(page, `5-10-review-${language}`);
    const item = await itemId(page, two.friend);
    await hand.click(page.locator(`a[href$="/linking/review/${item}"]`));
    await expect(
      page.getByRole("heading", { level: 1, name: t("linking.review.kind.two_profiles") }),
    ).toBeVisible();
    await expect(page.getByText("Nao No. 2")).toBeVisible();
    await looked(page, `5-10-item-${language}`);
    const use = page.getByRole("button", { name: t("linking.review.useCustomer", { n: 2 }) });
    if (language === "en") {
      hand.n++;
      await page.keyboard.press("2");
    } else await hand.click(use);
    await expect.poll(linkedTo).toBe(two.customers[1]);
    await hand.click(page.getByRole("button", { name: t("common.undo"), exact: true }));
    await expect.poll(linkedTo).toBe(two.customers[0]);
    await expect(use).toBeVisible();
    expect(hand.n).toBeLessThanOrEqual(5);
    await page.goto(`${home}/friends/${two.friend}`);
    const box = page.getByRole("region", { name: t("friend.linked") });
    await expect(box.getByText(t("friend.step.undone"), { exact: true })).toBeVisible();
    await expect(box.getByText(t("linking.review.decided.use_second"))).toBeVisible();
    await looked(page, `5-13-history-${language}`);
    // as clean as before
    await asMember(page, `/review/${item}/decide`, { decision: "leave_unlinked" });
    await expect.poll(linkedTo).toBeUndefined();
  });

  test(`many items are decided by one rule and taken back: ${language}`, async ({ page, request }) => {
    await page.setViewportSize({ width: 1440, height: 900 }); // rows are ticked on a screen
    const home = await signIn(page, language);
    const stamp = `${Date.now()}`;
    const pairs = [
      await twoCustomers(page, request, `${stamp}a`),
      await twoCustomers(page, request, `${stamp}b`),
    ];
    const items = await Promise.all(pairs.map((p) => itemId(page, p.friend)));
    const linkedTo = async () =>
      Promise.all(
        pairs.map(
          async (p) => (await asMember<{ profile_id?: string }>(page, `/friends/${p.friend}`)).profile_id,
        ),
      );
    const first = pairs.map((p) => p.customers[0]);
    await page.goto(`${home}/linking/review?kind=two_profiles`);
    for (const item of items)
      await page
        .getByRole("row")
        .filter({ has: page.locator(`a[href$="/linking/review/${item}"]`) })
        .getByRole("checkbox")
        .check();
    await looked(page, `5-10-many-ticked-${language}`);
    await page.getByRole("button", { name: t("linking.review.many.leave_unlinked") }).click();
    const dialog = page.getByRole("dialog");
    await expect(
      dialog.getByText(t("linking.review.many.would.leave_unlinked_other", { n: 2 })),
    ).toBeVisible();
    await looked(page, `5-10-many-asked-${language}`);
    expect(await linkedTo()).toEqual(first); // the check changed nothing
    await dialog.getByRole("button", { name: t("linking.review.many.verb_other", { n: 2 }) }).click();
    await expect.poll(linkedTo).toEqual([undefined, undefined]);
    const undo = page.getByRole("button", { name: t("linking.review.many.undo") });
    await expect(undo).toBeVisible();
    await looked(page, `5-10-many-done-${language}`);
    await undo.click();
    await expect.poll(linkedTo).toEqual(first);
    await expect(page.getByText(t("linking.review.many.undone"))).toBeVisible();
    if (language === "ja") await page.setViewportSize(sizes.ja);
    await looked(page, `5-10-many-undone-${language}`);
    for (const item of items) await asMember(page, `/review/${item}/decide`, { decision: "leave_unlinked" });
    await expect.poll(linkedTo).toEqual([undefined, undefined]);
  });
}
