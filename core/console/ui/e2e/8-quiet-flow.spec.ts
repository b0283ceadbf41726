import { expect, test } from "@playwright/test";
import { signIn } from "./console";
import { cart, setStatus } from "./klaviyo";
import { asMember } from "./sim";

// Walk-through 8 of UX 8: the cart flow went quiet, because it is in Draft again.
test("walk-through 8, the quiet flow is found in Draft, repaired, and seen live again", async ({
  page,
  request,
}) => {
  const flow = await cart(request);
  const home = await signIn(page, "en");
  await setStatus(request, "draft");
  // What the look every few minutes does, at once.
  await asMember(page, `/flows/${flow.id}/check`, {});
  await page.goto(`${home}/flows`);
  const finding = page.getByText("Flow “Abandoned cart” is not live in Klaviyo.");
  await expect(finding).toBeVisible();
  await setStatus(request, "live"); // she does what it says
  await page.getByRole("button", { name: "Check now" }).click();
  await expect(finding).toBeHidden();
  await expect(page.getByRole("row", { name: /Abandoned cart.*Live/ }).first()).toBeVisible();
});
