import { expect, test } from "@playwright/test";
import { accessible, fits, looked, pictures, signIn, sizes } from "./console";
import { leavesCart, reminders } from "./klaviyo";
import { asMember, edge, sim } from "./sim";
import { type Language, say as words } from "./words";

// The sending rules (UX 5.34): what they would have done, saved, read again, switched off.
for (const [language, width] of [
  ["en", 1440],
  ["ja", 390],
] as const)
  test(`5.34 quiet hours and a limit per person are set and taken back: ${language}, ${width} px`, async ({
    page,
  }) => {
    const say = {
      en: {
        title: "Sending rules",
        quiet: "Send nothing at certain hours",
        cap: "Limit how many messages one person gets",
        flows: "Limit Flow messages too",
        would: /Would have (held back|left out) \d/,
        save: "Save rules",
        saved: /Saved \d\d:\d\d/,
      },
      ja: {
        title: "送信ルール",
        quiet: "決まった時間帯は送信しない",
        cap: "1人に送る通数を制限する",
        flows: "フロー配信も制限する",
        would: /通が(待機または)?対象外になります/,
        save: "ルールを保存",
        saved: /\d\d:\d\d 保存済み/,
      },
    }[language];
    await page.setViewportSize({ width, height: 900 });
    const home = await signIn(page, language);
    await page.goto(`${home}/settings/sending`);
    await expect(page.getByRole("heading", { level: 1, name: say.title })).toBeVisible();
    await page.getByRole("switch", { name: say.quiet }).check({ force: true });
    await page.getByRole("switch", { name: say.cap }).check({ force: true });
    await page.getByRole("checkbox", { name: say.flows }).check();
    await expect(page.getByText(say.would).first()).toBeVisible();
    await accessible(page, "5-34-sending");
    await fits(page, "5-34-sending");
    if (pictures)
      await page.screenshot({
        path: `${pictures}/5-34-sending-${language}-${width}.png`,
        fullPage: true,
      });
    await page.getByRole("checkbox", { name: say.flows }).uncheck();
    await page.getByRole("switch", { name: say.quiet }).uncheck({ force: true });
    await page.getByRole("button", { name: say.save }).click();
    await expect(page.getByText(say.saved)).toBeVisible();
    await page.reload();
    await expect(page.getByRole("switch", { name: say.cap })).toBeChecked();
    await page.getByRole("switch", { name: say.cap }).uncheck({ force: true });
    await page.getByRole("button", { name: say.save }).click();
    await expect(page.getByText(say.saved)).toBeVisible();
  });

// The shop's own host for links: the edges are reached as localhost too, so that the whole way is
// real: entered, checked, in a message, tapped, counted. That it was lost is an answer made here.
for (const language of ["en", "ja"] as Language[])
  test(`5.34 tracked links begin with the shop's own host: ${language}`, async ({ page, request }) => {
    const t = words(language);
    const port = new URL(edge).port;
    const own = `localhost:${port}`;
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    await page.goto(`${home}/settings/tracking`);
    const part = page.getByRole("region", { name: t("tracking.host"), exact: true });
    const press = (key: string) => part.getByRole("button", { name: t(key), exact: true }).click();
    const name = part.getByRole("textbox");

    await name.fill(`https://${own}/`);
    await press("tracking.host.set");
    await expect(name).toHaveAttribute("aria-invalid", "true");
    await looked(page, `5-34-host-none-${language}`);

    await name.fill("localhost:1");
    await press("tracking.host.set");
    await expect(part.getByText(t("tracking.host.is.waiting"))).toBeVisible();
    await press("tracking.host.check");
    await expect(part.getByText(t("tracking.host.why.refused", { host: "localhost:1" }))).toBeVisible();
    await looked(page, `5-34-host-waiting-${language}`);

    await press("tracking.host.change");
    await name.fill(own);
    await press("tracking.host.set");
    await expect(part.getByText(own, { exact: true })).toBeVisible();
    await press("tracking.host.check");
    await expect(part.getByText(t("tracking.host.is.good"), { exact: true })).toBeVisible();
    await expect(part.getByText(t("tracking.host.usedWhat", { host: own }))).toBeVisible();
    await looked(page, `5-34-host-used-${language}`);

    type Home = { today: { clicked: number } };
    const clicks = async () => (await asMember<Home>(page, "/home")).today.clicked;
    const before = await clicks();
    const had = await reminders(request, "mio");
    await leavesCart(request, "mio@customer.example");
    await expect.poll(() => reminders(request, "mio"), { timeout: 30_000 }).toBe(had + 1);
    const phone = await page.context().newPage();
    await phone.goto(`${sim}/phone`);
    await phone.getByRole("button", { name: "Mio T." }).click();
    const chat = phone.getByRole("region", { name: "Phone of Mio T." });
    await chat.getByRole("button", { name: /^Hana Tea/ }).click();
    await chat
      .getByRole("button", { name: new RegExp(`${own}/c/`) })
      .last()
      .click();
    await expect(phone.getByText(/shop\.hanatea\.example\/cart/).first()).toBeVisible();
    await phone.close();
    await expect.poll(clicks).toBe(before + 1);

    const answer = "**/link_host";
    await page.route(answer, async (route) => {
      const real = await route.fetch();
      const lost = { state: "lost", reason: "elsewhere", found: "301 www.shop.example" };
      await route.fulfill({ response: real, json: { ...(await real.json()), ...lost } });
    });
    await page.reload();
    await expect(part.getByText(t("tracking.host.is.bad"), { exact: true })).toBeVisible();
    await expect(
      part.getByText(t("tracking.host.cure.elsewhere", { target: new URL(edge).host })),
    ).toBeVisible();
    await looked(page, `5-34-host-lost-${language}`);
    await page.unroute(answer);
    await page.reload();

    await press("tracking.host.remove");
    const sure = page.getByRole("dialog");
    await expect(sure.getByText(t("tracking.host.sent", { host: own }))).toBeVisible();
    await accessible(page, "5-34-host-remove");
    await sure.getByRole("button", { name: t("tracking.host.removeDo"), exact: true }).click();
    await expect(part.getByText(t("tracking.host.what", { target: new URL(edge).host }))).toBeVisible();
  });
