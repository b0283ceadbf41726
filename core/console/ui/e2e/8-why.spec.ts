import { expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { leavesCart, unlinked } from "./klaviyo";

// Walk-through 7 of UX 8: somebody says that the cart message never came. Why?
for (const language of ["en", "ja"] as const)
  test(`walk-through 7, in two clicks the reason and the cure: ${language}`, async ({ page, request }) => {
    const say = {
      en: {
        row: /not linked to a LINE friend/,
        cure: "Send a linking QR",
        called: "What Klaviyo sent",
        kept: "Kept aside",
      },
      ja: {
        row: /LINEの友だちと連携されていない/,
        cure: "連携用QRを送る",
        called: "Klaviyoが送った内容",
        kept: "保留中",
      },
    }[language];
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    await leavesCart(request, unlinked); // newest of all: on the list's first page
    await page.goto(`${home}/flows`);
    const call = page.getByRole("row").or(page.getByRole("listitem")); // a table on a desk, cards on a phone
    await call.filter({ hasText: say.row }).first().getByRole("link").first().click();
    await expect(page.getByText(say.row).first()).toBeVisible();
    await expect(page.getByRole("link", { name: say.cure })).toHaveAttribute("href", /linking\/qr$/);
    await page.getByRole("button", { name: say.called }).click();
    const sent = page.getByRole("region", { name: say.called });
    await expect(sent).toContainText('"profile_id"');
    await expect(sent).not.toContainText("Rin");
    await looked(page, `5-20-called-${language}`);
    await page.goto(`${home}/flows/kept`);
    await expect(page.getByRole("heading", { level: 1, name: say.kept })).toBeVisible();
    await looked(page, `5-19-kept-${language}`);
  });
