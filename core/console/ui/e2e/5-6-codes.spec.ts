import { readFile } from "node:fs/promises";
import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { asMember, customer, met, scanned, told } from "./sim";
import { say } from "./words";

// A code for the shop counter goes to the printer and greets whoever scans it; a customer's code
// is tried before it goes into an email (UX 5.6).

type Friend = { tags: string[]; profile_id?: string };

// someone is a new person with a phone.
async function someone(request: APIRequestContext, name: string, language: string) {
  const { id } = await told<{ id: string }>(request, "/people", { name, language });
  const chat = async () => JSON.stringify(await told(request, `/people/${id}/chat`));
  return { id, name, chat };
}

// published is a new saved message of one text.
async function published(page: Page, name: string, text: string): Promise<string> {
  const blocks = [JSON.stringify({ type: "text", text })];
  const { id } = await asMember<{ id: string }>(page, "/messages", { name, draft: { blocks } });
  await asMember(page, `/messages/${id}/publish`, { revision: 1 });
  return id;
}

// saved is the file that a click downloads.
async function saved(page: Page, button: string): Promise<Buffer> {
  const waiting = page.waitForEvent("download");
  await page.getByRole("link", { name: button }).click();
  return readFile(await (await waiting).path());
}

for (const language of ["en", "ja"] as const) {
  const t = say(language);

  test(`5.6 a counter's code is printed, a customer's is tried, both greet: ${language}`, async ({
    page,
    context,
    request,
  }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const stamp = Date.now().toString(36);
    const tag = await asMember<{ id: string }>(page, "/tags", { name: `Counter ${stamp}` });
    const words = `Welcome to the counter ${stamp}!`;
    const guest = await someone(request, `Guest ${stamp}`, language);
    const mie = await someone(request, `Mie ${stamp}`, language);
    const email = `mie.${stamp}@customer.example`;
    const { id: profile } = await told<{ id: string }>(request, "/klaviyo/profiles", { email });

    await test.step("made for the counter", async () => {
      await page.goto(`${home}/linking/qr/new`);
      await page.getByLabel(t("linking.name")).fill(`Counter ${stamp}`);
      await page.getByRole("radio", { name: t("linking.by.none") }).check();
      await page.getByRole("combobox", { name: t("linking.codes.tags") }).fill(`Counter ${stamp}`);
      await page.getByRole("option", { name: `Counter ${stamp}` }).click();
      await page.keyboard.press("Escape");
      await page.getByLabel(t("linking.codes.welcome")).fill(words);
      await page.getByRole("button", { name: t("linking.codes.create") }).click();
      await expect(page.getByRole("heading", { level: 1, name: `Counter ${stamp}` })).toBeVisible();
      await looked(page, `5-6-counter-${language}`);
    });

    await test.step("both files for the printer say its address", async () => {
      const opened = page.getByRole("region", { name: t("linking.codes.try") });
      await opened.getByRole("button", { name: t("linking.codes.try") }).click();
      const link = opened.getByRole("link", { name: t("linking.codes.open") });
      const url = await link.getAttribute("href");
      const read = async (image: Buffer) =>
        (
          await told<{ url: string }>(request, `/people/${guest.id}/scan`, {
            image: image.toString("base64"),
          })
        ).url;
      const svg = (await saved(page, t("linking.codes.svg"))).toString();
      expect(svg).toContain('width="300mm"');
      const sheet = await context.newPage();
      await sheet.setContent(`<body style="margin:0">${svg}`);
      expect(await read(await sheet.locator("svg").screenshot())).toBe(url);
      await sheet.close();
      const png = await saved(page, t("linking.codes.png"));
      expect(await read(png)).toBe(url);
      await scanned(request, guest.id, { image: png.toString("base64") });
    });

    await test.step("whoever scanned it is a friend with its tag and its message", async () => {
      const id = await met(page, guest.name);
      const friend = () => asMember<Friend>(page, `/friends/${id}`);
      await expect.poll(async () => (await friend()).tags).toContain(tag.id);
      expect((await friend()).profile_id).toBeUndefined();
      await expect.poll(guest.chat).toContain(words);
      await expect(
        page
          .getByRole("region", { name: t("linking.codes.report") })
          .getByRole("listitem")
          .nth(1),
      ).toContainText("1");
      await looked(page, `5-6-counter-scanned-${language}`);
    });

    const code = await asMember<{ id: string }>(page, "/qr_codes", {
      name: `Tried ${stamp}`,
      identify_by: "profile",
      tags: [tag.id],
      welcome: `Linked, ${stamp}!`,
    });
    const hello = await published(page, `Hello ${stamp}`, `Hello [[ first_name | you ]], ${stamp}!`);

    await test.step("a saved message is chosen instead of its text", async () => {
      await published(page, `Bare ${stamp}`, "Hello [[ first_name ]]!");
      await page.goto(`${home}/linking/qr/${code.id}`);
      const says = page.getByRole("combobox", { name: t("linking.codes.says") });
      const choose = async (name: string) => {
        await says.click();
        await page.getByRole("option", { name }).click();
        await page.getByRole("button", { name: t("linking.codes.save") }).click();
      };
      await choose(`Bare ${stamp}`);
      await expect(says).toHaveAccessibleDescription(/first_name/);
      await looked(page, `5-6-unknown-${language}`);
      await choose(`Hello ${stamp}`);
      await expect(says).not.toHaveAccessibleDescription(/first_name/);
      const phone = page.getByRole("region", { name: t("message.previewOf", { name: `Hello ${stamp}` }) });
      await expect(phone).toContainText(`Hello you, ${stamp}!`);
      await expect
        .poll(async () => (await asMember<{ message?: string }>(page, `/qr_codes/${code.id}`)).message)
        .toBe(hello);
      await looked(page, `5-6-saved-${language}`);
    });

    await test.step("a customer's code is tried as somebody", async () => {
      await page.getByText(t("linking.codes.phone"), { exact: true }).click();
      await expect(page.getByText(t("linking.codes.phoneText"))).toBeVisible();
      const opened = page.getByRole("region", { name: t("linking.codes.try") });
      const go = opened.getByRole("button", { name: t("linking.codes.try") });
      await opened.getByLabel(t("linking.codes.tryAs")).fill("nobody@customer.example");
      await go.click();
      await expect(opened.getByLabel(t("linking.codes.tryAs"))).toHaveAccessibleDescription(/./);
      await looked(page, `5-6-try-nobody-${language}`);
      await opened.getByLabel(t("linking.codes.tryAs")).fill(email);
      await go.click();
      const link = opened.getByRole("link", { name: t("linking.codes.open") });
      const url = (await link.getAttribute("href")) ?? "";
      expect(url).not.toContain("@");
      await looked(page, `5-6-try-${language}`);
      await scanned(request, mie.id, { url });
      const known = async () => (await customer(request, profile)).profile.properties;
      await expect.poll(async () => (await known())["LINE Consent"]).toBe("given");
      await expect.poll(mie.chat).toContain(`Hello you, ${stamp}!`);
      const id = await met(page, mie.name);
      expect(await asMember<Friend>(page, `/friends/${id}`)).toMatchObject({
        tags: [tag.id],
        profile_id: profile,
      });
      await page.goto(`${home}/friends/${id}`); // what the link rests on, and what she got
      const box = page.getByRole("region", { name: t("friend.linked") });
      await expect(box.getByText(t("friend.proof.qr.profile"))).toBeVisible();
      await expect(box.getByRole("link", { name: `Tried ${stamp}` })).toHaveAttribute(
        "href",
        /\/linking\/qr\/qrc_/,
      );
      const sent = page.getByRole("region", { name: t("friend.timeline") }).getByRole("group", {
        name: t("friend.sentMessages"),
      });
      await expect(sent).toContainText(`Hello you, ${stamp}!`);
      await expect(page.getByRole("region", { name: t("friend.phoneOf", { name: mie.name }) })).toContainText(
        `Hello you, ${stamp}!`,
      );
      await looked(page, `5-13-proof-${language}`);
    });

    await test.step("a message that is put away is missed on the code's page", async () => {
      await asMember(page, `/messages/${hello}/archive`, {});
      await page.goto(`${home}/linking/qr/${code.id}`);
      await expect(page.getByText(t("linking.codes.savedAway", { name: `Hello ${stamp}` }))).toBeVisible();
      await looked(page, `5-6-away-${language}`);
    });
  });
}
