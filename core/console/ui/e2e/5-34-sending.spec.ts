import { expect, test } from "@playwright/test";
import { accessible, fits, pictures, signIn } from "./console";

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
