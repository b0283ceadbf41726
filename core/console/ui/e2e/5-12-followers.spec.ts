import { type APIRequestContext, expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { asMember, changeAccount, customer, type Items, met, told } from "./sim";
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

  test(`5.31 the LINE consent status is updated, and finds who left unheard: ${language}`, async ({
    page,
    request,
  }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const name = `Shun ${Date.now().toString(36)}`;
    const { id: profile } = await told<{ id: string }>(request, "/klaviyo/profiles", {
      email: `${name.toLowerCase().replace(" ", ".")}@customer.example`,
    });
    const person = await told<{ id: string }>(request, "/people", { name, language });
    await told(request, `/people/${person.id}/follow`, {});
    const friend = await met(page, name);
    await asMember(page, `/friends/${friend}/link`, { profile_id: profile });
    const recorded = async () => (await customer(request, profile)).profile.properties["LINE Consent"];
    await expect.poll(recorded).toBe("given");
    const [account] = (await told<Items<{ messaging_channel_id: string }>>(request, "/line/channels")).items;
    const hears = (on: boolean) =>
      told(request, `/line/channels/${account?.messaging_channel_id}/use_webhook`, { on });
    await hears(false);
    try {
      await told(request, `/people/${person.id}/block`, {});
    } finally {
      await hears(true);
    }

    await page.goto(`${home}/settings/consent`);
    const number = (of: string) => page.getByTestId(`consent-${of}`);
    const read = async (of: string) => Number(await number(of).textContent());
    const [given, withdrawn] = [await read("given"), await read("withdrawn")];
    expect(await recorded()).toBe("given"); // nobody has heard
    await page.getByRole("button", { name: t("consent.update") }).click();
    const result = t("consent.result", { n: 0, m: 1, k: "#" }).replace("#", "[\\d,]+");
    await expect(page.getByRole("status").filter({ hasText: new RegExp(`^${result}$`) })).toBeVisible();
    await expect(number("given")).toHaveText(String(given - 1));
    await expect(number("withdrawn")).toHaveText(String(withdrawn + 1));
    await looked(page, `5-31-updated-${language}`);
    await expect.poll(recorded).toBe("withdrawn");
    expect((await customer(request, profile)).profile.properties["LINE Consent Source"]).toBe(
      "status_refresh",
    );
    await page.goto(`${home}/friends/${friend}`);
    await expect(
      page.getByText(`${t("consent.withdrawn")} · ${t("consentSource.status_refresh")}`),
    ).toBeVisible();
    await expect(page.getByText(t("follow.blocked"), { exact: true }).first()).toBeVisible();
  });
}
