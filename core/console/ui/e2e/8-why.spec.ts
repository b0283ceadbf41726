import { expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { Hand } from "./hand";
import { leavesCart, unlinked } from "./klaviyo";
import { say as texts } from "./words";

// Walk-through 7 of UX 8: somebody says that the cart message never came. Why?
for (const language of ["en", "ja"] as const)
  test(`walk-through 7, from Home in a few clicks the reason and the cure: ${language}`, async ({
    page,
    request,
  }) => {
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
    // Before its first message a shop has a guide, ticked as far as things were seen to be done.
    const t = texts(language);
    const asked = "**/flow_doctor";
    const setup = { copied: true, called: false, live: false, sent: false };
    await page.route(asked, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), setup, refused_24h: 3 } });
    });
    await page.goto(`${home}/flows`);
    const steps = page.getByRole("list", { name: t("flow.guide.title") }).getByRole("listitem");
    await expect(steps).toHaveCount(4);
    await expect(steps.first()).toContainText(t("flow.guide.seen"));
    await expect(steps.nth(1)).toContainText(t("flow.guide.refused", { n: 3 }));
    await expect(steps.nth(3)).toContainText(t("flow.guide.unseen"));
    await looked(page, `5-19-guide-${language}`);
    setup.called = true; // and a call that comes in has the page look again
    await leavesCart(request, unlinked);
    await expect(steps.nth(1)).toContainText(t("flow.guide.seen"));
    setup.sent = true;
    await leavesCart(request, unlinked);
    await expect(steps).toHaveCount(0);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.goto(home);
    const hand = new Hand();
    const menu = page.getByRole("button", { name: t("menu.open") });
    if (language === "ja") await hand.click(menu); // on a phone
    await hand.click(
      page
        .getByRole("navigation", { name: t("menu.label") })
        .getByRole("link", { name: t("menu.flows"), exact: true }),
    );
    const call = page.getByRole("row").or(page.getByRole("listitem")); // a table on a desk, cards on a phone
    await hand.click(call.filter({ hasText: say.row }).first().getByRole("link").first());
    await expect(page.getByText(say.row).first()).toBeVisible();
    await expect(page.getByRole("link", { name: say.cure })).toHaveAttribute("href", /linking\/qr$/);
    hand.within(4, 1);
    await page.getByRole("button", { name: say.called }).click();
    const sent = page.getByRole("region", { name: say.called });
    await expect(sent).toContainText('"profile_id"');
    await expect(sent).not.toContainText("Rin");
    await looked(page, `5-20-called-${language}`);
    // Home counts her too, and leads to everybody it counts, with their reasons.
    await page.goto(home);
    await page.getByRole("link", { name: t("home.reasons") }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(t("statistics.people.not_sent"));
    await expect(call.filter({ hasText: unlinked })).toContainText(say.row);
    await looked(page, `5-32-not-sent-${language}`);
    await call
      .filter({ hasText: unlinked })
      .getByRole("link", { name: t("statistics.people.openCall") })
      .click();
    await expect(page.getByText(say.row).first()).toBeVisible();
    await page.goto(`${home}/flows/kept`);
    await expect(page.getByRole("heading", { level: 1, name: say.kept })).toBeVisible();
    await looked(page, `5-19-kept-${language}`);
  });
