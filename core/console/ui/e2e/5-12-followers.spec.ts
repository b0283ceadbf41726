import { type APIRequestContext, expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { changeAccount, type Items, told } from "./sim";
import { say } from "./words";

// What LINE knows of an account's followers is read again: for each friend whether she agrees,
// and, where the account is verified, everybody who follows it.

// verify makes the account one that LINE has verified, or has not.
async function verify(request: APIRequestContext, verified: boolean) {
  const [account] = (await told<Items<{ messaging_channel_id: string }>>(request, "/line/channels")).items;
  await changeAccount(request, account?.messaging_channel_id ?? "", { verified });
}

for (const language of ["en", "ja"] as const) {
  const t = say(language);

  test(`5.12 followers of a verified account are imported: ${language}`, async ({ page, request }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    await page.goto(`${home}/friends`);
    const open = page.getByRole("button", { name: t("friend.followers") });
    const dialog = page.getByRole("dialog", { name: t("friend.followers") });
    await open.click();
    await expect(dialog.getByText(t("friend.followersOnly"))).toBeVisible();
    await looked(page, `5-12-followers-unverified-${language}`);

    await verify(request, true);
    try {
      await page.reload();
      await open.click();
      await dialog.getByRole("button", { name: t("friend.followers") }).click();
      const result = t("friend.followersResult", { n: "#", k: "#" }).replaceAll("#", "[\\d,]+");
      await expect(dialog.getByRole("status").filter({ hasText: new RegExp(result) })).toBeVisible();
      await expect(dialog.getByRole("button", { name: t("friend.followers") })).toBeVisible();
      await looked(page, `5-12-followers-${language}`);
    } finally {
      await verify(request, false);
    }
  });

  test(`5.31 the LINE consent status is updated: ${language}`, async ({ page }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    await page.goto(`${home}/settings/consent`);
    const given = Number(await page.getByTestId("consent-given").textContent());
    expect(given).toBeGreaterThan(0);
    await page.getByRole("button", { name: t("consent.update") }).click();
    const result = t("consent.result", { n: "#", m: "#", k: "#" }).replaceAll("#", "[\\d,]+");
    await expect(page.getByRole("status").filter({ hasText: new RegExp(result) })).toBeVisible();
    await expect(page.getByTestId("consent-given")).toHaveText(String(given)); // nothing had changed
    await looked(page, `5-31-updated-${language}`);
  });
}
