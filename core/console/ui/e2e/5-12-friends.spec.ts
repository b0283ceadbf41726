import { readFile } from "node:fs/promises";
import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { asMember, customer, met, told } from "./sim";
import { say } from "./words";

// A day's work with friends (UX 5.12, 5.13): found by what is known of them, tagged in bulk,
// taken out and in by CSV, made test friends, and one erased everywhere.

// friend lets a person follow the account.
async function friend(page: Page, request: APIRequestContext, name: string, language: string) {
  const person = await told<{ id: string }>(request, "/people", { name, language });
  await told(request, `/people/${person.id}/follow`, {});
  return { person: person.id, id: await met(page, name), name };
}

for (const language of ["en", "ja"] as const) {
  const t = say(language);

  test(`5.12, 5.13 friends are found, tagged, taken in and out, and erased: ${language}`, async ({
    page,
    request,
  }) => {
    await page.setViewportSize(sizes.en); // rows are ticked on a screen
    const home = await signIn(page, language);
    const stamp = Date.now().toString(36); // a number would be looked for as a phone
    const phone = `090${String(Date.now()).slice(-8)}`;
    const tag = await asMember<{ id: string }>(page, "/tags", { name: `Bulk ${stamp}` });
    const [umi, nami] = [
      await friend(page, request, `Umi ${stamp}`, language),
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
      await choose("friend.tag", `Bulk ${stamp}`);
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
