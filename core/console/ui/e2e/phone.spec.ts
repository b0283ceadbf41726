import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";

const sim = process.env.LUMO_E2E_SIM ?? "";
const pictures = process.env.LUMO_E2E_OUT;

test("7 a person takes the whole way on the simulated phone", async ({ page }) => {
  await page.goto(`${sim}/phone`);
  await page.getByRole("button", { name: "Yuki S." }).click();
  await page.getByRole("button", { name: "Unblock" }).click();
  await expect(page.getByText("Account: friend")).toBeVisible();
  await page.goto(`${sim}/klaviyo`);
  await page.getByRole("button", { name: "Yuki S." }).click();
  await page.getByRole("button", { name: "She leaves a cart" }).click();
  await expect(page.getByText("Sent LINE Message").first()).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations.map((v) => v.id)).toEqual([]);
  if (pictures) await page.screenshot({ path: `${pictures}/sim-klaviyo.png`, fullPage: true });
  await page.goto(`${sim}/phone`);
  const phone = page.getByRole("region", { name: "Phone of Yuki S." });
  await expect(phone).toContainText("your tea is still waiting");
  await phone.getByRole("button", { name: /\/c\// }).last().click();
  await expect(page.getByText(/shop\.hanatea\.example\/cart/).first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Scan the QR code" }).first()).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations.map((v) => v.id)).toEqual([]);
  if (pictures) await page.screenshot({ path: `${pictures}/sim-phone.png`, fullPage: true });
});
