import { expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { Hand } from "./hand";
import { customer, scanned, told } from "./sim";
import { say } from "./words";

// Walk-through 16 of UX 8: a linking QR code goes into a Klaviyo email, and whoever scans it is
// linked to the right customer. With it the screens of UX 5.6.

for (const language of ["en", "ja"] as const) {
  const t = say(language);

  test(`walk-through 16: a QR code in an email links the right customer: ${language}`, async ({
    page,
    context,
    request,
  }) => {
    const stamp = `${Date.now()}`;
    const email = `asa${stamp}@customer.example`;
    const someone = await told<{ id: string }>(request, "/klaviyo/profiles", { email, first_name: "Asa" });
    const person = await told<{ id: string }>(request, "/people", { name: `Asa ${stamp}`, email, language });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const hand = new Hand();
    await page.goto(`${home}/linking/qr`);
    hand.n++; // the menu
    await looked(page, `5-6-codes-${language}`);
    await hand.click(page.getByRole("link", { name: t("linking.codes.new") }).first());
    await expect(page.getByRole("radio", { name: t("linking.by.profile") })).toBeChecked();
    await page.getByRole("radio", { name: t("linking.by.email") }).check();
    await expect(page.getByText(t("linking.by.emailText"))).toBeVisible();
    await page.getByRole("radio", { name: t("linking.by.profile") }).check();
    await looked(page, `5-6-new-${language}`);
    await page.getByRole("button", { name: t("linking.codes.create") }).click();
    await expect(page.getByLabel(t("linking.name"))).toHaveAccessibleDescription(/./); // what is missing
    await hand.fill(page.getByLabel(t("linking.name")), `Email of ${stamp}`);
    await hand.click(page.getByRole("button", { name: t("linking.codes.create") }));
    const copy = page.getByRole("region", { name: t("linking.codes.copy") });
    await hand.click(copy.getByRole("button", { name: new RegExp(`^${t("common.copy")}`) }).first());
    const html = await page.evaluate(() => navigator.clipboard.readText());
    expect(html).toContain("person.KlaviyoID");
    hand.n++; // pasting it into the email
    await told(request, "/klaviyo/emails/send", { profile: someone.id, subject: "Hana Tea on LINE", html });
    await looked(page, `5-6-code-${language}`);
    hand.n += 2; // the scan, and LINE's consent
    await scanned(request, person.id, { email: true });
    const report = page.getByRole("region", { name: t("linking.codes.report") });
    await expect(report.getByRole("listitem").filter({ hasText: t("linking.step.linked") })).toContainText(
      "1",
    );
    hand.within(9, 4);
    const known = async () => (await customer(request, someone.id)).profile.properties;
    await expect.poll(async () => (await known())["LINE User ID"]).toMatch(/^U[0-9a-f]{32}$/);

    // who builds the email in blocks takes the picture and the link apart: one address, and hers
    const taken = async (what: string) => {
      await copy.getByRole("tab", { name: t(`linking.codes.${what}`) }).click();
      await copy.getByRole("button", { name: new RegExp(`^${t("common.copy")}`) }).click();
      await expect(copy.getByRole("status")).toHaveText(t("common.copied"));
      return page.evaluate(() => navigator.clipboard.readText());
    };
    const [image, link] = [await taken("image"), await taken("link")];
    const block = `<a href="${link}"><img src="${image}" alt=""></a>`;
    const mail = await told<{ links: string[]; images: string[] }>(request, "/klaviyo/emails/render", {
      profile: someone.id,
      subject: "Hana Tea on LINE",
      html: block,
    });
    expect(mail.links[0]).toContain(someone.id);
    const said = await told<{ url: string }>(request, `/people/${person.id}/scan`, {
      image_url: mail.images[0],
    });
    expect(said.url).toBe(mail.links[0]);
    await page.getByRole("button", { name: t("linking.codes.pause") }).click();
    await expect(page.getByText(t("linking.codes.pausedText"))).toBeVisible();
    await looked(page, `5-6-paused-${language}`);
  });
}
