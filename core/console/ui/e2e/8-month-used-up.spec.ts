import { expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { leavesCart, reminders, setQuota } from "./klaviyo";
import { asMember } from "./sim";
import { say as texts } from "./words";

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
    const before = await reminders(request, "mio");
    await setQuota(request, { limit: 5000, used: 5000 });
    await leavesCart(request, "mio@customer.example");
    await page.goto(`${home}/quota`);
    await expect(page.getByRole("heading", { level: 1, name: say.title })).toBeVisible();
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

    await test.step("another part of the month is kept for Flows", async () => {
      const part = page.getByRole("region", { name: t("delivery.quota.reserve"), exact: true });
      const slider = part.getByRole("slider", { name: t("delivery.quota.reserve") });
      const save = part.getByRole("button", { name: t("delivery.quota.saveReserve") });
      const kept = page.getByTestId("quota-reserve");
      const number = async () => Number((await kept.innerText()).replaceAll(",", ""));
      const told = async () => {
        const [first = ""] = (await part.getByRole("status").first().innerText()).match(/[\d,]+/) ?? [];
        return Number(first.replaceAll(",", ""));
      };
      await expect(slider).toHaveAttribute("aria-valuenow", "10");
      await expect(save).toBeDisabled();
      const was = await number();
      for (const key of ["ArrowRight", "ArrowRight"]) await slider.press(key);
      await expect(slider).toHaveAttribute("aria-valuenow", "20");
      const will = was + 900; // another tenth of 9,000, less what flows have used meanwhile
      await expect.poll(told).toBeCloseTo(will, -1);
      expect(await number()).toBeCloseTo(was, -1);
      await save.click();
      await expect.poll(number).toBeCloseTo(will, -1);
      await looked(page, `5-33-reserve-${language}`);
      await page.reload();
      await expect(slider).toHaveAttribute("aria-valuenow", "20");
      for (const key of ["ArrowLeft", "ArrowLeft"]) await slider.press(key);
      await save.click();
      await expect.poll(number).toBeCloseTo(was, -1);
    });

    await test.step("a plan without a limit keeps nothing and says so, until there is one again", async () => {
      // LINE is asked at most every ten seconds.
      const asked = (says: (m: { unlimited: boolean; left: number }) => boolean) =>
        expect
          .poll(async () => says(await asMember(page, "/quota/check", {})), { timeout: 60_000 })
          .toBe(true);
      const left = page.getByTestId("quota-left");
      await setQuota(request, { limit: null, used: 5000 });
      await asked((m) => m.unlimited);
      await page.reload();
      await expect(left).toHaveText(t("quota.unlimited"));
      await expect(page.getByTestId("quota-reserve")).toHaveCount(0);
      await expect(page.getByRole("slider")).toHaveCount(0);
      await looked(page, `5-33-unlimited-${language}`);
      await setQuota(request, { limit: 9000, used: 5000 }); // whoever comes next has messages
      await asked((m) => !m.unlimited && m.left > 0);
      await page.reload();
      await expect(left).toHaveText(/^[1-9]/);
    });
  });
