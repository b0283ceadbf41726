import { type Browser, expect, test } from "@playwright/test";
import { looked, signIn } from "./console";
import { asMember, edge, told } from "./sim";
import type { Language } from "./words";

// The pages that customers see (UX 5.38), on their phone, in the language of their browser: from
// a link in an email to the linked account and out again, and what an old or altered link says.

type Code = { url: string };

const words = {
  en: {
    ask: /Link your LINE account with .+\? .+ can then send you news on LINE\. You can undo this any time\./,
    link: "Link",
    linked: "Linked. You can close this page.",
    askUnlink: /^Unlink your LINE account from/,
    unlink: "Unlink",
    unlinked: "Unlinked. You can close this page.",
    gone: /^This link no longer works\./,
    missing: "This page does not exist.",
    scan: "Scan with your phone's camera.",
  },
  ja: {
    ask: /とLINEアカウントを連携しますか\?連携すると、.+からのお知らせをLINEで受け取れます。いつでも解除できます。/,
    link: "連携する",
    linked: "連携が完了しました。この画面は閉じて構いません。",
    askUnlink: /LINEアカウントの連携を解除しますか\?/,
    unlink: "連携を解除する",
    unlinked: "連携を解除しました。この画面は閉じて構いません。",
    gone: /^このリンクは使用できません。/,
    missing: "ページが見つかりません。",
    scan: "スマートフォンのカメラで読み取ってください。",
  },
} as const;

const locale = { en: "en-US", ja: "ja-JP" } as const;
const iPhone =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

// customer is a browser of somebody who is no member: on a phone, or on a desk.
async function customer(browser: Browser, language: Language, userAgent?: string) {
  const context = await browser.newContext({
    locale: locale[language],
    userAgent,
    viewport: userAgent ? { width: 390, height: 844 } : { width: 1440, height: 900 },
  });
  return context.newPage();
}

for (const language of ["en", "ja"] as const) {
  const say = words[language];

  test(`5.38 a customer links and unlinks on a phone: ${language}`, async ({ page, browser, request }) => {
    const stamp = `${Date.now()}`;
    const email = `fuyu${stamp}@customer.example`;
    await told(request, "/klaviyo/profiles", { email, first_name: "Fuyu" });
    const person = await told<{ id: string }>(request, "/people", { name: `Fuyu ${stamp}`, language });
    await signIn(page, language);
    const code = await asMember<Code>(page, "/qr_codes", { name: `By email ${stamp}`, identify_by: "email" });
    const phone = await customer(browser, language, iPhone);

    await phone.goto(`${code.url}?e=${encodeURIComponent(email)}`); // on to LINE, as the simulator plays it
    await phone.locator("select[name=person]").selectOption(person.id);
    await phone.getByRole("button", { name: "Allow" }).click();
    const add = phone.getByRole("button", { name: "Add friend" }); // a screen of its own at LINE
    await expect(add.or(phone.getByText(say.ask))).toBeVisible();
    if (await add.isVisible()) await add.click();
    await expect(phone.getByText(say.ask)).toBeVisible();
    expect(await phone.content()).not.toContain(email); // nothing of the customer's is shown
    expect(phone.url()).not.toContain("@");
    await looked(phone, `5-38-confirm-${language}`);
    await phone.getByRole("button", { name: say.link, exact: true }).click();
    await expect(phone.getByText(say.linked)).toBeVisible();
    await looked(phone, `5-38-linked-${language}`);

    await phone.goto(`${code.url}?u=1`); // LINE knows her by now, and sends her on at once
    await expect(phone.getByText(say.askUnlink)).toBeVisible();
    await looked(phone, `5-38-unlink-${language}`);
    await phone.getByRole("button", { name: say.unlink, exact: true }).click();
    await expect(phone.getByText(say.unlinked)).toBeVisible();
    await looked(phone, `5-38-unlinked-${language}`);
    await phone.context().close();
  });

  test(`5.38 a desktop, an old link and an unknown one: ${language}`, async ({ page, browser }) => {
    await signIn(page, language);
    const code = await asMember<Code>(page, "/qr_codes", {
      name: `Desk ${Date.now()}`,
      identify_by: "profile",
    });
    const desk = await customer(browser, language);
    for (const [name, address, text] of [
      ["desktop", `${code.url}?k=01HNOBODY`, say.scan],
      ["altered", `${edge}/link/callback?code=x&state=altered`, say.gone],
      ["unknown-code", `${edge}/q/aaaaaaaaaaaaaaaa`, say.missing],
      ["unknown-link", `${edge}/c/${"A".repeat(42)}`, say.missing],
    ] as const)
      await test.step(name, async () => {
        await desk.goto(address);
        await expect(desk.getByText(text).first()).toBeVisible();
        // Whose page it is shows in the account's colour, too.
        if (name === "desktop")
          await expect(desk.locator("main")).toHaveClass(/^(teal|blue|amber|violet|pink|olive)$/);
        await looked(desk, `5-38-${name}-${language}`);
      });
    await desk.context().close();
  });
}
