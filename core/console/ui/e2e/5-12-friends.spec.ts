import { readFile } from "node:fs/promises";
import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { asMember, customer, type Items, met, scanned, told } from "./sim";
import { say } from "./words";

// A day's work with friends (UX 5.12, 5.13): found by what is known of them, tagged in bulk,
// taken out and in by CSV, made test friends, and one erased everywhere.

// friend lets a person follow the account, by a code if there is one.
async function friend(
  page: Page,
  request: APIRequestContext,
  name: string,
  language: string,
  code?: { url: string },
) {
  const person = await told<{ id: string }>(request, "/people", { name, language });
  if (code) await scanned(request, person.id, { url: code.url });
  else await told(request, `/people/${person.id}/follow`, {});
  return { person: person.id, id: await met(page, name), name };
}

const day = 86_400_000;

// longAgo is a friend who followed so many days ago, of whom LINE tells no name any more.
async function longAgo(page: Page, request: APIRequestContext, days: number): Promise<string> {
  type Known = { id: string; friendships: Record<string, { user_id: string }> };
  const { id } = await told<Known>(request, "/people", { name: "Long ago" });
  const { friendships } = await told<Known>(request, `/people/${id}`);
  const [channel, known] = Object.entries(friendships)[0] ?? [];
  const source = { type: "user", userId: known?.user_id };
  const follow = { type: "follow", mode: "active", timestamp: Date.now() - days * day, source };
  const webhookEventId = `01K${Date.now()}`;
  await told(request, `/line/channels/${channel}/emit`, { events: [{ ...follow, webhookEventId }] });
  let found = "";
  await expect
    .poll(async () => {
      const all = await asMember<Items<{ id: string }>>(page, "/friends/search", { text: known?.user_id });
      found = all.items[0]?.id ?? "";
      return found;
    })
    .not.toBe("");
  return found;
}

for (const language of ["en", "ja"] as const) {
  const t = say(language);
  const single = language === "en" ? "one" : "other"; // Japanese has one form

  test(`5.12, 5.13 friends are found, tagged, taken in and out, and erased: ${language}`, async ({
    page,
    request,
  }) => {
    await page.setViewportSize(sizes.en); // rows are ticked on a screen
    const home = await signIn(page, language);
    const stamp = Date.now().toString(36); // a number would be looked for as a phone
    const phone = `090${String(Date.now()).slice(-8)}`;
    const tag = await asMember<{ id: string }>(page, "/tags", { name: `Bulk ${stamp}` });
    const counter = await asMember<{ id: string; name: string; url: string }>(page, "/qr_codes", {
      name: `Counter ${stamp}`,
      identify_by: "none",
    });
    const [umi, nami] = [
      await friend(page, request, `Umi ${stamp}`, language, counter),
      await friend(page, request, `Umi's sister ${stamp}`, language),
    ];
    const { id: profile } = await told<{ id: string }>(request, "/klaviyo/profiles", {
      email: `umi${stamp}@customer.example`,
    });
    await asMember(page, `/friends/${umi.id}/link`, { profile_id: profile });
    const table = page.getByRole("table", { name: t("menu.friends") });
    const row = (name: string) => table.getByRole("row").filter({ hasText: name });
    const search = page.getByRole("searchbox", { name: t("friend.search") });
    const choose = async (filter: string, option: string) => {
      await page.getByRole("button", { name: t(filter), exact: true }).click();
      await page.getByRole("menuitem", { name: option, exact: true }).click();
    };

    await test.step("searched and filtered", async () => {
      await page.goto(`${home}/friends`);
      await search.fill(`  UMI'S SISTER ${stamp}`); // whatever the letters' size
      await expect(row(umi.name)).toBeHidden();
      await expect(row(nami.name)).toBeVisible();
      await search.fill("Umi");
      await choose("friend.linked", t("friend.linkedIs.yes"));
      await expect(page).toHaveURL(/linked=yes$/); // and no word of the search
      await expect(row(umi.name)).toBeVisible();
      await expect(row(nami.name)).toBeHidden();
      await looked(page, `5-12-filtered-${language}`);
      await search.fill(`nobody of this name ${stamp}`);
      await expect(page.getByText(t("common.noMatch"))).toBeVisible();
      await looked(page, `5-12-none-${language}`);
      await page
        .getByRole("main")
        .getByRole("button", { name: t("common.clearFilters") })
        .first()
        .click();
      await search.fill(stamp);
      await expect(row(umi.name)).toBeVisible();
      await expect(row(nami.name)).toBeVisible();
    });

    await test.step("who comes while somebody reads waits to be shown", async () => {
      await row(nami.name).hover();
      const kai = await friend(page, request, `Kai ${stamp}`, language);
      const show = page.getByRole("button", { name: t(`common.fresh_${single}`, { n: 1 }), exact: true });
      await expect(show).toBeVisible();
      await expect(row(kai.name)).toBeHidden();
      await looked(page, `5-12-new-${language}`);
      await show.click();
      await expect(row(kai.name)).toBeVisible();
      await expect(show).toBeHidden();
      await search.hover(); // nobody points at the list any more
      const ran = await friend(page, request, `Ran ${stamp}`, language);
      await expect(row(ran.name)).toBeVisible();
    });

    await test.step("tagged in bulk, and taken back", async () => {
      for (const one of [umi, nami]) await row(one.name).getByRole("checkbox").check();
      const bar = page.getByRole("region", { name: t("common.selected_other", { n: 2 }) });
      await bar.getByRole("button", { name: t("friend.tag"), exact: true }).click();
      await page.getByRole("menuitem", { name: `Bulk ${stamp}` }).click();
      const done = page.getByRole("status").filter({ hasText: t("friend.done.tag_other", { n: 2 }) });
      await expect(done).toBeVisible();
      await expect(row(nami.name)).toContainText(`Bulk ${stamp}`);
      await looked(page, `5-12-tagged-${language}`);
      await done.getByRole("button", { name: t("common.undo") }).click();
      await expect(row(nami.name)).not.toContainText(`Bulk ${stamp}`);
    });

    await test.step("taken in by CSV, and found by phone in another notation", async () => {
      const file = [
        "friend,email,phone,tags,test_friend",
        `${umi.id},Umi.${stamp}@own.example,${phone},Bulk ${stamp},yes`,
        `${nami.id},not an email,,Bulk ${stamp},`,
        "frd_01k9zzzzzzzzzzzzzzzzzzzzzz,a@b.example,,,",
      ].join("\r\n");
      await page
        .locator("input[type=file]")
        .setInputFiles({ name: "friends.csv", mimeType: "text/csv", buffer: Buffer.from(`\uFEFF${file}`) });
      const dialog = page.getByRole("dialog", { name: t("friend.csvTitle") });
      for (const [line, code] of [
        [3, "email"],
        [4, "nobody"],
      ] as const)
        await expect(
          dialog.getByText(t("friend.csvLine", { line, problem: t(`friend.csvProblem.${code}`) })),
        ).toBeVisible();
      await looked(page, `5-12-csv-in-${language}`);
      await page.keyboard.press("Escape");
      await search.fill(`+81 ${phone.slice(1, 3)}-${phone.slice(3, 7)}-${phone.slice(7)}`);
      await expect(row(nami.name)).toBeHidden();
      await expect(row(umi.name)).toContainText(`Bulk ${stamp}`);
    });

    await test.step("taken out by CSV: those whom the filters show", async () => {
      await search.fill("");
      await choose("friend.tags", `Bulk ${stamp}`);
      await expect(page).toHaveURL(new RegExp(`tag=${tag.id}`));
      const waiting = page.waitForEvent("download");
      await page.getByRole("link", { name: t("friend.csvOut") }).click();
      const lines = (await readFile(await (await waiting).path(), "utf8")).trim().split(/\r?\n/);
      expect(lines[0]).toContain("klaviyo_profile");
      const hers = lines.filter((l) => l.includes(umi.id));
      expect(hers).toHaveLength(1);
      expect(hers[0]).toContain(profile);
      expect(hers[0]).toMatch(/,yes$/);
      expect(lines.join()).not.toContain("@"); // addresses stay here
    });

    await test.step("filtered by consent, code and day; the address keeps it, the number is right", async () => {
      const old = await longAgo(page, request, 40);
      await asMember(page, "/friends/import", { csv: `friend,tags\n${old},Bulk ${stamp}\n` });
      await told(request, `/people/${nami.person}/block`, {});
      const oldRow = page.getByRole("row").filter({ has: page.locator(`a[href$="/friends/${old}"]`) });
      const inAll = (n: number) =>
        expect(page.getByText(t("common.total", { n }), { exact: true })).toBeVisible();
      const without = (filter: string) =>
        page.getByRole("button", { name: t("common.removeFilter", { name: t(filter) }) }).click();
      await inAll(3);

      await choose("friend.consent", t("consent.withdrawn"));
      await expect(row(nami.name)).toBeVisible();
      await inAll(1);
      await page.reload();
      await expect(page).toHaveURL(/[?&]consent=withdrawn/);
      await expect(row(nami.name)).toBeVisible();
      await inAll(1);
      await looked(page, `5-12-consent-${language}`);
      await without("friend.consent");

      await choose("friend.code", counter.name);
      await expect(page).toHaveURL(new RegExp(`[?&]qr_code=${counter.id}`));
      await expect(row(umi.name)).toBeVisible();
      await inAll(1);
      await without("friend.code");

      await choose("friend.followed", t("friend.lastDays", { n: 30 }));
      await expect(oldRow).toBeHidden();
      await inAll(2);
      await without("friend.followed");
      await choose("friend.followed", t("friend.lastDays", { n: 90 }));
      await inAll(3);
      const then = new Date(Date.now() - 38 * day).toISOString().slice(0, 10);
      await page.getByLabel(t("friend.jump")).fill(then);
      await expect(page).toHaveURL(new RegExp(`from=90.*until=${then}`));
      await expect(oldRow).toBeVisible();
      await inAll(1);
      await page.setViewportSize(sizes.ja);
      await page.reload();
      await expect(page.getByLabel(t("friend.jump"))).toHaveValue(then);
      await inAll(1);
      await looked(page, `5-12-days-${language}`);
      await page.goBack();
      await page.setViewportSize(sizes.en);
      await inAll(3);
    });

    await test.step("all that match are made test friends, tagged and untagged, as running work", async () => {
      const other = await asMember<{ id: string; name: string }>(page, "/tags", { name: `All ${stamp}` });
      await page.reload(); // with the new tag
      const found = async (filter: object) =>
        (await asMember<Items<{ id: string }>>(page, "/friends/search", { text: "", ...filter })).items;
      const tagged = async () => (await found({ tag: other.id })).length;
      const testers = async () => await found({ tag: tag.id, tester: "yes" });
      // all ticks one and means all three.
      const all = async (button: string, item?: string) => {
        await row(umi.name).getByRole("checkbox").check();
        const one = page.getByRole("region", { name: t(`common.selected_${single}`, { n: 1 }) });
        await one.getByRole("button", { name: t("common.selectAll_other", { n: 3 }) }).click();
        const bar = page.getByRole("region", { name: t("common.selected_other", { n: 3 }) });
        await bar.getByRole("button", { name: t(button), exact: true }).click();
        if (item) await page.getByRole("menuitem", { name: item }).click();
      };
      const dialog = page.getByRole("dialog");
      const go = dialog.getByRole("button", { name: t("friend.all.verb_other", { n: 3 }) });

      await all("friend.tag", other.name);
      await expect(dialog.getByText(t("friend.all.tag_other", { n: 3, name: other.name }))).toBeVisible();
      await looked(page, `5-12-all-${language}`);
      expect(await tagged()).toBe(0); // asked first
      await go.click();
      await expect(dialog).toBeHidden();
      await expect.poll(tagged).toBe(3);
      await expect(row(umi.name)).toContainText(other.name);

      await all("friend.tester");
      await go.click();
      await expect(dialog).toBeHidden();
      await expect.poll(async () => (await testers()).length).toBe(3);
      const others = (await testers()).map((f) => f.id).filter((id) => id !== umi.id);
      await asMember(page, "/friends/bulk", { action: "no_tester", friends: others });

      await all("friend.untag", other.name);
      await go.click();
      await expect(dialog).toBeHidden();
      await expect.poll(tagged).toBe(0);
      await expect(row(umi.name)).not.toContainText(other.name);
    });

    await test.step("a test friend, and her history by kind", async () => {
      await page.setViewportSize(sizes[language]);
      await page.goto(`${home}/friends/${umi.id}`);
      await expect(page.getByText(t("testsend.open"), { exact: true })).toBeVisible();
      await expect(page.getByText(t("friend.source.csv")).first()).toBeVisible();
      const reveal = page.getByRole("button", { name: t("friend.reveal") });
      await looked(page, `5-13-friend-${language}`);
      if (await reveal.isVisible()) await reveal.click();
      await expect(page.getByText(`umi.${stamp}@own.example`)).toBeVisible();
      const timeline = page.getByRole("region", { name: t("friend.timeline") });
      const entry = (kind: string) =>
        timeline.locator(".mantine-Timeline-item").filter({ hasText: t(`event.${kind}`) });
      await expect(entry("linked").first()).toContainText(`✓ ${t("recorded.yes")}`);
      expect((await customer(request, profile)).events.map((e) => e.metric)).toContain(
        "Linked LINE Identity",
      );
      await timeline.getByText(t("event.tagged"), { exact: true }).first().click();
      await expect(timeline.getByText(`${t("event.tagged")}: Bulk ${stamp}`).first()).toBeVisible();
      await expect(timeline.getByText(t("friend.from.webhook"))).toHaveCount(0);
      await looked(page, `5-13-kinds-${language}`);
      await page.getByRole("button", { name: t("friend.noTester") }).click();
      await expect(page.getByRole("button", { name: t("friend.tester") })).toBeVisible();
      await expect(page.getByText(t("testsend.open"), { exact: true })).toBeHidden();
    });

    await test.step("erased everywhere", async () => {
      await page.getByRole("button", { name: t("friend.erase") }).click();
      const dialog = page.getByRole("dialog");
      const erase = dialog.getByRole("button", { name: t("friend.eraseDo") });
      await expect(erase).toBeDisabled();
      await dialog.getByLabel(t("friend.eraseType", { name: umi.name })).fill("somebody else");
      await expect(erase).toBeDisabled();
      await dialog.getByLabel(t("friend.eraseType", { name: umi.name })).fill(umi.name);
      await looked(page, `5-13-erase-${language}`);
      await erase.click();
      await expect(page.getByRole("heading", { level: 1, name: t("friend.erasedTitle") })).toBeVisible();
      await expect(page.getByText(umi.name)).toHaveCount(0);
      await looked(page, `5-13-erased-${language}`);
      const known = async () => (await customer(request, profile)).profile.properties;
      await expect.poll(async () => (await known())["LINE User ID"]).toBeUndefined();
      expect(await known()).toMatchObject({ "LINE Consent": "withdrawn", "LINE Consent Source": "erased" });
      await page.goto(`${home}/friends`);
      await search.fill(stamp);
      await expect(page.getByRole("link", { name: nami.name })).toBeVisible();
      await expect(page.getByRole("link", { name: umi.name })).toHaveCount(0);
    });
  });
}
