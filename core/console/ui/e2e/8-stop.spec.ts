import { expect, test } from "@playwright/test";
import { fits, signIn } from "./console";
import { leavesCart, reminders } from "./klaviyo";

// Walk-through 13 of UX 8 with flow messages: on a phone, stop what is being sent; go on later.
test("walk-through 13, two taps stop everything, what waits is named, and each gets it once", async ({
  page,
  request,
}) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page, "en");
  const before = await reminders(request, "mio");
  await page.getByRole("button", { name: "Stop sending" }).click();
  await page.getByRole("button", { name: "Stop everything on this account" }).click();
  const banner = page.getByText(/^Sending is stopped since/);
  await expect(banner).toBeVisible();
  await fits(page, "stopped");
  for (let n = 0; n < 3; n++) await leavesCart(request, "mio@customer.example");
  await expect(page.getByText(/3 messages wait\./)).toBeVisible();
  expect(await reminders(request, "mio")).toBe(before);
  await page.getByRole("button", { name: "Resume…" }).click();
  await page.getByRole("button", { name: "Resume: 3 messages" }).click();
  await expect(banner).toBeHidden();
  await expect.poll(() => reminders(request, "mio"), { timeout: 30_000 }).toBe(before + 3);
});
