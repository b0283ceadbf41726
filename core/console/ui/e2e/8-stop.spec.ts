import { expect, test } from "@playwright/test";
import { looked, signIn } from "./console";
import { Hand } from "./hand";
import { leavesCart, reminders } from "./klaviyo";
import { say } from "./words";

// Walk-through 13 of UX 8 with flow messages: on a phone, stop what is being sent; go on later.
for (const language of ["en", "ja"] as const)
  test(`walk-through 13, two taps stop everything, what waits is named, and each gets it once: ${language}`, async ({
    page,
    request,
  }) => {
    const t = say(language);
    const hand = new Hand();
    const button = (name: string) => page.getByRole("button", { name });
    await page.setViewportSize({ width: 390, height: 844 });
    await signIn(page, language);
    const before = await reminders(request, "mio");
    await hand.click(button(t("sending.stop")));
    await hand.click(button(t("sending.stopEverything")));
    expect(hand.n).toBeLessThanOrEqual(2);
    const stopped = (n: number) =>
      new RegExp(
        t("sending.stopped", { n })
          .replace(/[.()]/g, "\\$&")
          .replace(/\{(time|name|h)\}/g, ".+"),
      );
    await expect(page.getByText(stopped(0))).toBeVisible();
    for (let n = 0; n < 3; n++) await leavesCart(request, "mio@customer.example");
    await expect(page.getByText(stopped(3))).toBeVisible();
    await looked(page, `5-2-stopped-${language}`);
    expect(await reminders(request, "mio")).toBe(before);
    await button(t("sending.resume")).click();
    await button(t("sending.resumeGo", { n: 3 })).click();
    await expect(page.getByText(stopped(3))).toBeHidden();
    await expect.poll(() => reminders(request, "mio"), { timeout: 30_000 }).toBe(before + 3);
  });
