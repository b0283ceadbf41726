import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { Hand } from "./hand";
import { asMember, type Items, met, scanned, told } from "./sim";
import { say } from "./words";

// Walk-through 17 of UX 8: a friend matches two customers; somebody decides and takes it back.
// With it the screens of UX 5.10, by keys in English and by taps on a phone in Japanese.

type Code = { id: string; code: string; name: string; identify_by: string; url: string };

type Person = { id: string; friendships: Record<string, { user_id: string }> };
type Run = { id: string; check: { state: string }; link?: { state: string } };

// twoFriends lets two people scan the code in one customer's email: the second got it by
// forwarding.
async function twoFriends(page: Page, request: APIRequestContext, stamp: string, language: string) {
  const codes = await asMember<Items<Code>>(page, "/qr_codes");
  const url = codes.items.find((c) => c.name === "Welcome email")?.url;
  const { id } = await told<{ id: string }>(request, "/klaviyo/profiles", {
    email: `aki.${stamp}@customer.example`,
    first_name: "Aki",
  });
  const friends: string[] = [];
  for (const name of [`Aki ${stamp}`, `Ken ${stamp}`]) {
    const person = await told<{ id: string }>(request, "/people", { name, language });
    await scanned(request, person.id, { url: `${url}?k=${id}` });
    friends.push(await met(page, name));
  }
  return { names: [`Aki ${stamp}`, `Ken ${stamp}`], friends, customer: id };
}

// sharedPhone is a couple with one phone number, who are linked by phone: a file tells the
// number of both, and somebody turns linking by phone on, as the API lets them.
async function sharedPhone(page: Page, request: APIRequestContext, stamp: string, language: string) {
  const phone = `+8180${stamp.slice(-8)}`;
  const { id } = await told<{ id: string }>(request, "/klaviyo/profiles", {
    phone_number: phone,
    first_name: "Mori",
  });
  const friends: string[] = [];
  const lines = ["line_user_id,phone"];
  for (const name of [`Mori ${stamp}`, `Mori's wife ${stamp}`]) {
    const person = await told<Person>(request, "/people", { name, language });
    await told(request, `/people/${person.id}/follow`, {});
    friends.push(await met(page, name));
    const { friendships } = await told<Person>(request, `/people/${person.id}`);
    lines.push(`${Object.values(friendships)[0]?.user_id},${phone}`);
  }
  await asMember(page, "/friends/import", { csv: lines.join("\n") });
  const check = await asMember<{ id: string }>(page, "/automatic/check", { email: false, phone: true });
  const latest = async () => (await asMember<Items<Run>>(page, "/automatic/checks")).items[0];
  await expect.poll(async () => (await latest())?.check.state).toBe("done");
  await asMember(page, `/automatic/checks/${check.id}/turn_on`, {});
  await expect.poll(async () => (await latest())?.link?.state).toBe("done");
  const now = await asMember<{ email: boolean; phone: boolean; ask_email: boolean }>(page, "/automatic");
  await asMember(page, "/automatic", { email: now.email, phone: false, ask_email: now.ask_email }, "PUT");
  return { names: [`Mori ${stamp}`, `Mori's wife ${stamp}`], friends, customer: id };
}

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
    hand.within(5, 1);
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

  test(`5.10 two friends for one customer, and two with one phone, are decided: ${language}`, async ({
    page,
    request,
  }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const stamp = `${Date.now()}`;
    const linkedTo = (pair: { friends: string[] }) => async () =>
      Promise.all(
        pair.friends.map(
          async (f) => (await asMember<{ profile_id?: string }>(page, `/friends/${f}`)).profile_id,
        ),
      );
    const table = page.getByRole("table", { name: t("linking.review.caption") });
    const use = (n: number) => page.getByRole("button", { name: t("linking.review.useFriend", { n }) });
    const leave = page.getByRole("button", { name: t("linking.review.leave") });
    const unlink = page.getByRole("button", { name: t("linking.review.unlink"), exact: true });
    const offered = page.getByRole("status").getByRole("button", { name: t("common.undo"), exact: true });
    // open goes to the pair's item by the list of its kind.
    const open = async (kind: string, pair: { friends: string[]; names: string[] }) => {
      await page.goto(`${home}/linking/review?kind=${kind}`);
      await expect(
        page.getByText(pair.names.join(" · ")).or(page.getByText(pair.names.toReversed().join(" · "))),
      ).toBeVisible();
      await looked(page, `5-10-${kind}-list-${language}`);
      const all = await asMember<Items<{ id: string; friend: { id: string } }>>(page, `/review?kind=${kind}`);
      const item = all.items.find((i) => pair.friends.includes(i.friend.id))?.id;
      await page.locator(`a[href$="/linking/review/${item}"]`).click();
      await expect(
        page.getByRole("heading", { level: 1, name: t(`linking.review.kind.${kind}`) }),
      ).toBeVisible();
      for (const name of pair.names) await expect(table.getByText(name, { exact: true })).toBeVisible();
      await looked(page, `5-10-${kind}-${language}`);
    };

    await test.step("two friends for one customer: chosen, taken back, the link ended", async () => {
      const pair = await twoFriends(page, request, stamp, language);
      const first = [pair.customer, undefined];
      await expect.poll(linkedTo(pair)).toEqual(first); // who came first stays
      await open("two_friends", pair);
      await use(2).click();
      await expect.poll(linkedTo(pair)).toEqual([undefined, pair.customer]);
      await offered.click();
      await expect.poll(linkedTo(pair)).toEqual(first);
      await expect(use(2)).toBeVisible(); // back at the item
      await unlink.click();
      await expect.poll(linkedTo(pair)).toEqual([undefined, undefined]);
    });

    await test.step("a phone that two share: left unlinked, taken back on its page, chosen", async () => {
      const pair = await sharedPhone(page, request, stamp, language);
      expect(await linkedTo(pair)()).toEqual([undefined, undefined]); // nobody knows whose it is
      await open("shared_phone", pair);
      await expect(unlink).toBeHidden(); // no link stands
      const item = page.url();
      await leave.click();
      await expect(offered).toBeVisible();
      await page.goto(item);
      await expect(page.getByText(t("linking.review.decided.leave_unlinked"))).toBeVisible();
      await looked(page, `5-10-left-${language}`);
      await page
        .getByRole("main")
        .getByRole("button", { name: t("common.undo") })
        .click();
      await use(1).click();
      await expect
        .poll(async () => (await linkedTo(pair)()).filter((p) => p === pair.customer))
        .toHaveLength(1);
      await page.goto(item);
      await expect(page.getByText(t("linking.review.decided.use_first"))).toBeVisible();
    });
  });
}
