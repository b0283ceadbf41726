import { expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { asMember, met, told } from "./sim";
import { say } from "./words";

// Screens about linking and friends (UX 5.7, 5.9-5.13, 5.31): each once in English on a desk and
// in Japanese on a phone, with their dialogs and with what they say when something fails.

for (const language of ["en", "ja"] as const) {
  const t = say(language);

  test(`5.9 to 5.13, 5.31 linking and friends pass axe and fit: ${language}`, { tag: "@reads" }, async ({
    page,
  }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    for (const [name, path, title] of [
      ["5-11-health", "linking", "linking.title"],
      ["5-7-forms", "linking/forms", "linking.forms.title"],
      ["5-9-automatic", "linking/auto", "linking.auto.title"],
      ["5-12-friends", "friends", "menu.friends"],
      ["5-14-tags", "tags", "menu.tags"],
      ["5-31-consent", "settings/consent", "menu.consent"],
    ] as const) {
      await page.goto(`${home}/${path}`);
      await expect(page.getByRole("heading", { level: 1, name: t(title) })).toBeVisible();
      await page.waitForLoadState("networkidle");
      await looked(page, `${name}-${language}`);
    }
  });

  test(`5.11 words that unlink are added and taken away: ${language}`, async ({ page }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    await page.goto(`${home}/linking`);
    const words = page.getByRole("combobox", { name: t("linking.unlink.words") });
    const own = `stop ${language}`;
    await words.fill(own);
    await words.press("Enter");
    await page.getByRole("button", { name: t("linking.unlink.save") }).click();
    const kept = async () =>
      (await asMember<{ unlink_words: string[] }>(page, "/linking/settings")).unlink_words;
    await expect.poll(kept).toContain(own);
    await words.press("Backspace");
    await page.getByRole("button", { name: t("linking.unlink.save") }).click();
    await expect.poll(kept).not.toContain(own);
  });

  test(`5.13 a friend is linked to a customer and taken back: ${language}`, async ({ page, request }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const stamp = `${Date.now()}`;
    const email = `found${stamp}@customer.example`;
    await told(request, "/klaviyo/profiles", { email, first_name: "Found" });
    const person = await told<{ id: string }>(request, "/people", { name: `Found ${stamp}`, language });
    await told(request, `/people/${person.id}/follow`, {});
    const friend = await met(page, `Found ${stamp}`);
    await page.goto(`${home}/linking`); // somebody is not linked, and there is a way to invite them
    await expect(page.getByRole("link", { name: t("linking.invite") })).toHaveAttribute(
      "href",
      /\/linking\/qr\//,
    );
    await looked(page, `5-11-invite-${language}`);
    await page.goto(`${home}/friends/${friend}`);
    await page.getByRole("button", { name: t("friend.linkTo") }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(t("friend.customerBy")).fill("nobody@customer.example");
    await dialog.getByRole("button", { name: t("friend.findCustomer") }).click();
    await expect(dialog.getByRole("alert")).toContainText(
      {
        en: "Klaviyo has no customer with exactly this email",
        ja: "と完全に一致するお客様は、Klaviyoにいません。",
      }[language],
    );
    await dialog.getByLabel(t("friend.customerBy")).fill(` ${email.toUpperCase()} `);
    await dialog.getByRole("button", { name: t("friend.findCustomer") }).click();
    await expect(dialog.getByText(email).first()).toBeVisible();
    await looked(page, `5-13-link-to-${language}`);
    await dialog.getByRole("button", { name: t("friend.linkDo") }).click();
    const box = page.getByRole("region", { name: t("friend.linked") });
    await expect(box.getByRole("button", { name: t("friend.unlink") })).toBeVisible();
    await page.getByRole("button", { name: t("common.undo") }).click();
    await expect(box.getByRole("button", { name: t("friend.linkTo") })).toBeVisible();
    await expect(box.getByText(t("friend.step.undone")).first()).toBeVisible();
    await looked(page, `5-13-taken-back-${language}`);
  });

  test(`5.12 filters are saved under a name, renamed, deleted and taken back: ${language}`, async ({
    page,
  }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const saved = page.getByRole("button", { name: t("common.saved.title") });
    const list = page.getByRole("dialog", { name: t("common.saved.title") });
    await page.goto(`${home}/friends?linked=no&state=following`);
    await saved.click();
    await expect(list.getByText(t("common.saved.none"))).toBeVisible();
    await looked(page, `5-12-saved-none-${language}`);
    await list.getByRole("button", { name: t("common.saved.save") }).click();
    const naming = page.getByRole("dialog", { name: t("common.saved.saveTitle") });
    await naming.getByLabel(t("common.saved.name")).fill(`To invite ${language}`);
    await looked(page, `5-12-saved-save-${language}`);
    await naming.getByRole("button", { name: t("common.saved.do") }).click();
    await expect(naming).toBeHidden();
    // Another day: the list without filters, and the saved ones in one click.
    await page.goto(`${home}/friends`);
    await saved.click();
    await looked(page, `5-12-saved-some-${language}`);
    await list.getByRole("button", { name: `To invite ${language}` }).click();
    await expect(page).toHaveURL(/linked=no&state=following$/);
    await saved.click();
    await list.getByRole("button", { name: t("common.saved.manage") }).click();
    const manage = page.getByRole("dialog", { name: t("common.saved.manageTitle") });
    await manage
      .getByRole("button", { name: t("common.saved.renameOne", { name: `To invite ${language}` }) })
      .click();
    await manage.getByLabel(t("common.saved.name")).fill(`Invited ${language}`);
    await manage.getByRole("button", { name: t("common.saved.rename") }).click();
    const remove = manage.getByRole("button", {
      name: t("common.saved.deleteOne", { name: `Invited ${language}` }),
    });
    await expect(remove).toBeVisible();
    await looked(page, `5-12-saved-manage-${language}`);
    await remove.click();
    const deleted = page
      .getByRole("status")
      .filter({ hasText: t("common.saved.deleted", { name: `Invited ${language}` }) });
    await deleted.getByRole("button", { name: t("common.undo") }).click();
    await expect(deleted).toBeHidden();
    await saved.click();
    await expect(list.getByRole("button", { name: `Invited ${language}` })).toBeVisible();
    await list.getByRole("button", { name: t("common.saved.manage") }).click();
    await remove.click();
    await expect(deleted).toBeVisible();
  });

  test(`5.11, 5.12 what cannot be loaded says so and is tried again: ${language}`, async ({ page }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    for (const [path, call, what] of [
      ["linking", "**/linking", "linking.failed"],
      ["friends", "**/friends/search", "friend.failed"],
    ] as const) {
      await page.route(`**/api/v1${call}`, (route) => route.fulfill({ status: 503, body: "{}" }));
      await page.goto(`${home}/${path}`);
      await expect(page.getByRole("alert").filter({ hasText: t(what) })).toBeVisible();
      await looked(page, `5-11-failed-${path}-${language}`);
      // By keyboard, since live news may mend the page before a mouse would be there.
      await page
        .getByRole("button", { name: t("common.again") })
        .first()
        .focus();
      await page.unroute(`**/api/v1${call}`);
      await page.keyboard.press("Enter");
      await expect(page.getByRole("alert").filter({ hasText: t(what) })).toBeHidden();
    }
  });
}

test("5.14 the core says in Japanese that a tag's name is taken", async ({ page }) => {
  const t = say("ja");
  const home = await signIn(page, "ja");
  await asMember(page, "/tags", { name: "常連" });
  await page.goto(`${home}/tags`);
  await page.getByRole("button", { name: t("tag.new") }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(t("tag.name")).fill("常連");
  await dialog.getByRole("button", { name: t("tag.make") }).click();
  await expect(dialog.getByText("この名前のタグはすでにあります。")).toBeVisible();
});
