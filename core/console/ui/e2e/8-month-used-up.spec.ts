import { expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { leavesCart, reminders, setQuota } from "./klaviyo";
import { asMember } from "./sim";
import { say as texts } from "./words";

type Month = { unlimited: boolean; limit: number; left: number; reserve: number };

// Walk-through 14 of UX 8 with flow messages: the month is used up; what happens, and how does
// it go on? The engine's part, with thousands of people, is proven in core/postgres/delivery.
for (const language of ["en", "ja"] as const)
  test(`walk-through 14, at the month's limit messages wait, and go once when there are more: ${language}`, async ({
    page,
    request,
  }) => {
    const t = texts(language);
    const say = {
      en: {
        title: "Quota",
        used: /^All 5,000 messages of this month are used up/,
        waits: /^(\d+) messages? waits? and (is|are) sent exactly once/,
        spent: "5,000 of 5,000",
        ask: "Ask LINE now",
      },
      ja: {
        title: "通数",
        used: /^今月の5,000通を使い切りました/,
        waits: /^(\d+)通が待機中です/,
        spent: "5,000通中5,000通",
        ask: "今すぐLINEに確認",
      },
    }[language];
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);

    // heard has Lumo ask LINE at once, until it knows of the limit; null = there is none.
    const heard = (limit: number | null) =>
      expect
        .poll(async () => {
          const now = await asMember<Month>(page, "/quota/check", {});
          return now.unlimited ? null : now.limit;
        })
        .toBe(limit);
    const tile = (of: string) => page.getByTestId(`quota-${of}`);
    const number = (n: number) => n.toLocaleString(language);

    await test.step("an account without a limit says so, and keeps nothing", async () => {
      await setQuota(request, { limit: null, used: 1200 });
      await heard(null);
      await page.goto(`${home}/quota`);
      await expect(page.getByRole("heading", { level: 1, name: say.title })).toBeVisible();
      await expect(tile("left")).toHaveText(t("quota.unlimited"));
      await expect(tile("used")).toHaveText(/^1,2\d\d$/);
      await expect(page.getByRole("slider")).toHaveCount(0);
      await looked(page, `5-33-unlimited-${language}`);
    });

    await test.step("what is kept for Flows is chosen, with its effect", async () => {
      await setQuota(request, { limit: 5000, used: 600 });
      await heard(5000);
      const slider = page.getByRole("slider", { name: t("delivery.quota.reserve") });
      await expect(slider).toBeVisible(); // the open page hears of the limit
      await expect(tile("used")).toHaveText(/(^6\d\d of 5,000$)|(^5,000通中6\d\d通$)/);
      const { reserve, left } = await asMember<Month>(page, "/quota");
      const percent = Number(await slider.getAttribute("aria-valuenow"));
      const flows = 50 * percent - reserve; // went out of it already
      const save = page.getByRole("button", { name: t("delivery.quota.saveReserve") });
      await expect(save).toBeDisabled();
      await slider.press("ArrowRight");
      const kept = 50 * (percent + 5) - flows;
      await expect(
        page.getByText(t("delivery.quota.effect", { kept: number(kept), free: number(left - kept) })),
      ).toBeVisible();
      await slider.press("End");
      const most = 4500 - flows;
      await expect(
        page.getByText(t("delivery.quota.effect", { kept: number(most), free: number(0) })),
      ).toBeVisible();
      await expect(tile("reserve")).toHaveText(number(reserve)); // nothing is kept before it is saved
      await save.click();
      await expect(tile("reserve")).toHaveText(number(most));
      await expect(
        page.getByText(t("delivery.quota.level.reserve", { left: number(left), limit: number(5000) })),
      ).toBeVisible();
      await looked(page, `5-33-kept-${language}`);
      for (let at = 90; at > percent; at -= 5) await slider.press("ArrowLeft");
      await save.click();
      await expect(tile("reserve")).toHaveText(number(reserve));
    });

    const before = await reminders(request, "mio");
    await setQuota(request, { limit: 5000, used: 5000 });
    await leavesCart(request, "mio@customer.example");
    await expect(page.getByText(say.waits)).toBeVisible({ timeout: 90_000 });
    await expect(page.getByText(say.used)).toBeVisible();
    await expect(page.getByTestId("quota-used")).toHaveText(say.spent);
    const waiting = Number(say.waits.exec(await page.getByText(say.waits).innerText())?.[1]);
    // LINE counts 5,000, of which Lumo sent a few: the others came from elsewhere.
    const routes = page.getByRole("region", { name: t("delivery.quota.byRoute") });
    await expect(routes.getByRole("listitem").filter({ hasText: t("delivery.quota.outside") })).toContainText(
      /4,\d\d\d/,
      { timeout: 90_000 }, // LINE is asked once a minute while messages wait
    );
    await looked(page, `5-33-quota-${language}`);
    expect(await reminders(request, "mio")).toBe(before);
    await setQuota(request, { limit: 9000, used: 5000 });
    await expect(async () => {
      // Lumo asks by itself too, and the button goes when there is nothing to ask for
      if (await page.getByText(say.waits).isVisible())
        await page.getByRole("button", { name: say.ask }).click({ timeout: 2000 });
      await expect(page.getByText(say.waits)).toBeHidden({ timeout: 2000 });
    }).toPass({ timeout: 60_000 });
    await expect.poll(() => reminders(request, "mio"), { timeout: 30_000 }).toBe(before + waiting);
    await setQuota(request, { limit: 5000, used: 100 });
    await heard(5000);
  });
