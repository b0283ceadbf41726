import { expect, type Page, test } from "@playwright/test";
import { violations } from "./axe";

const sim = process.env.LUMO_E2E_SIM ?? "";
const pictures = process.env.LUMO_E2E_OUT;

async function accessible(page: Page) {
  expect(await violations(page, "merchants")).toEqual([]);
}

async function openChat(page: Page, person: string) {
  await page.goto(`${sim}/phone`);
  await page.getByRole("button", { name: person }).click();
  const phone = page.getByRole("region", { name: `Phone of ${person}` });
  await phone.getByRole("button", { name: /^Hana Tea/ }).click();
}

test("7 a person takes the whole way on the simulated phone", async ({ page }) => {
  await openChat(page, "Yuki S.");
  await page.getByRole("button", { name: "Unblock" }).click();
  await expect(page.getByText("Account: friend")).toBeVisible();
  await page.goto(`${sim}/klaviyo`);
  await page.getByRole("button", { name: "Yuki S.", exact: true }).click();
  await page.getByRole("button", { name: "She leaves a cart" }).click();
  await expect(page.getByText("Sent LINE Message").first()).toBeVisible();
  await accessible(page);
  if (pictures) await page.screenshot({ path: `${pictures}/sim-klaviyo.png`, fullPage: true });
  await openChat(page, "Yuki S.");
  const phone = page.getByRole("region", { name: "Phone of Yuki S." });
  await expect(phone).toContainText("your tea is still waiting");
  await phone.getByRole("button", { name: /\/c\// }).last().click();
  await expect(page.getByText(/shop\.hanatea\.example\/cart/).first()).toBeVisible();
  await accessible(page);
  if (pictures) await page.screenshot({ path: `${pictures}/sim-phone.png`, fullPage: true });
});

test("7 the QR code of the last email leads to LINE Login", async ({ page }) => {
  await openChat(page, "Yuki S.");
  await page.getByRole("button", { name: "Scan the QR of the last email" }).click();
  const browser = page.getByRole("region", { name: "Browser" });
  await expect(browser).toBeVisible();
  await accessible(page);
  if (pictures) await page.screenshot({ path: `${pictures}/sim-scan.png`, fullPage: true });
});

test("the webhook of a flow is previewed and tested for a customer", async ({ page }) => {
  await page.goto(`${sim}/klaviyo`);
  await page.getByRole("button", { name: "Mio T.", exact: true }).click();
  await page
    .getByRole("row", { name: /Abandoned cart/ })
    .first()
    .getByRole("button", { name: "Edit" })
    .click();
  await page.getByRole("button", { name: "Preview for Mio T." }).click();
  await expect(page.getByText("Valid JSON")).toBeVisible();
  await page.getByRole("button", { name: "Send a test for Mio T." }).click();
  await expect(page.getByText(/^Answered 20/)).toBeVisible();
});

test("time and faults are switched on the page, in Japanese too", async ({ page, request }) => {
  await page.addInitScript(() => localStorage.setItem("sim.language", "ja"));
  await page.goto(`${sim}/phone`);
  await page.getByRole("combobox", { name: /^対象/ }).selectOption("line.broadcast");
  await page.getByRole("combobox", { name: /^障害/ }).selectOption("slow");
  await page.getByRole("button", { name: "オンにする" }).click();
  await expect(page.getByText("line.broadcast: slow × 1")).toBeVisible();
  await page.getByRole("button", { name: "すべての障害を解除" }).click();
  await expect(page.getByText("障害はオンになっていません。")).toBeVisible();
  const faults = await (await request.get(`${sim}/sim/v1/faults`)).json();
  expect(faults.total).toBe(0);
  await accessible(page);
});
