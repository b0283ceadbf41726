import { expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { asShop, type Items } from "./sim";
import { say } from "./words";

// An API key is made, copied this once, used by a program, and withdrawn (UX 5.36).

type Channel = { id: string };

for (const language of ["en", "ja"] as const) {
  const t = say(language);

  test(`5.36 an API key is made, used within its rights, and withdrawn: ${language}`, async ({
    page,
    context,
    playwright,
    baseURL,
  }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const name = `Report ${language} ${Date.now()}`;
    await page.goto(`${home.replace(/\/oa\/.*$/, "")}/settings/api-keys`);
    await expect(page.getByRole("heading", { level: 1, name: t("menu.apiKeys") })).toBeVisible();
    await page.getByRole("button", { name: t("apikey.new") }).click();
    const making = page.getByRole("dialog", { name: t("apikey.new") });
    await making.getByRole("button", { name: t("apikey.make") }).click();
    await expect(making.getByLabel(t("apikey.name"))).toHaveAccessibleDescription(/./); // what is missing
    await making.getByLabel(t("apikey.name")).fill(name);
    await looked(page, `5-36-new-${language}`);
    await making.getByRole("button", { name: t("apikey.make") }).click();
    const made = page.getByRole("dialog", { name: t("apikey.made") });
    await made.getByRole("button", { name: new RegExp(`^${t("common.copy")}`) }).click();
    const secret = await page.evaluate(() => navigator.clipboard.readText());
    expect(secret).toMatch(/^lak_/);
    await looked(page, `5-36-made-${language}`);
    await made.getByRole("button", { name: t("apikey.kept") }).click();
    await expect(page.getByText(secret)).toHaveCount(0); // never again

    const me = await page.evaluate(async () => (await fetch("/api/v1/me")).json());
    const [channel] = (await asShop<Items<Channel>>(page, "/channels")).items;
    const at = `${baseURL}/api/v1/merchants/${me.merchants[0].id}/channels/${channel?.id}`;
    const program = await playwright.request.newContext({
      extraHTTPHeaders: { Authorization: `Bearer ${secret}` },
    });
    const friends = await program.get(`${at}/friends?limit=1`);
    expect(friends.status(), await friends.text()).toBe(200);
    expect(((await friends.json()) as Items<unknown>).items).toHaveLength(1);
    expect((await program.post(`${at}/tags`, { data: { name } })).status()).toBe(403); // it may read
    expect((await program.get(`${at}/linking`)).status()).toBe(403); // of friends alone

    await page.reload();
    const [rows, row] = language === "en" ? (["table", "row"] as const) : (["list", "listitem"] as const);
    const key = page
      .getByRole(rows, { name: t("menu.apiKeys") })
      .getByRole(row)
      .filter({ hasText: name });
    await expect(key).toBeVisible();
    await expect(key).not.toContainText(t("apikey.never"));
    await looked(page, `5-36-keys-${language}`);
    await key.getByRole("button", { name: t("apikey.revoke") }).click();
    const dialog = page.getByRole("dialog");
    await looked(page, `5-36-revoke-${language}`);
    await dialog.getByRole("button", { name: t("apikey.revokeDo") }).click();
    await expect(key).toContainText(t("apikey.is.ended"));
    expect((await program.get(`${at}/friends?limit=1`)).status()).toBe(401);
    await program.dispose();
    await looked(page, `5-36-revoked-${language}`);
  });
}
