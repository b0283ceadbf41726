import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, type Page, test } from "@playwright/test";
import { accessible, pictures, signIn } from "./console";
import { asMember, edge, type Items, told } from "./sim";

// The script of a form on a shop's page with a strict content security policy (UX 5.7), with
// both spellings of what Klaviyo's forms say, and the page that a desktop's visitor gets (5.38).

let shop: Server;
let origin: string;
let script: string;
let language = "en"; // of the shop's page

test.beforeAll(async () => {
  shop = createServer((_, answer) => {
    answer.setHeader("Content-Type", "text/html; charset=utf-8");
    answer.setHeader(
      "Content-Security-Policy",
      `default-src 'none'; script-src ${edge}; connect-src ${edge}; img-src ${edge}`,
    );
    answer.end(`<!doctype html><html lang="${language}"><title>A shop</title><main><h1>A shop</h1></main>
<script src="${script}" async></script></html>`);
  });
  await new Promise<void>((listening) => shop.listen(0, "127.0.0.1", listening));
  origin = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
});

test.afterAll(() => new Promise((closed) => shop.close(closed)));

type Form = { id: string; script_url: string };

// visit opens the shop's page, and gives what its policy did not allow.
async function visit(page: Page) {
  const refused: string[] = [];
  page.on("console", (line) => {
    if (/Content Security Policy/i.test(line.text())) refused.push(line.text());
  });
  await page.goto(origin);
  await page.waitForFunction(() =>
    performance.getEntriesByType("resource").some((r) => /\.js$/.test(r.name)),
  );
  return refused;
}

const says = (page: Page, detail: object) =>
  page.evaluate((d) => window.dispatchEvent(new CustomEvent("klaviyoForms", { detail: d })), detail);

for (const [spelling, detail] of [
  ["submit and email", { type: "submit", formId: "AnyOne", metaData: { email: "EMAIL" } }],
  ["stepSubmit and $email", { type: "stepSubmit", formId: "AnyOne", metaData: { $email: "EMAIL" } }],
] as const)
  test(`5.7 the script links after a form that says ${spelling}, under a strict policy`, async ({
    page,
    request,
  }) => {
    const email = `form${Date.now()}@customer.example`;
    await told(request, "/klaviyo/profiles", { email, first_name: "Fumi" });
    await signIn(page, "en");
    const form = await asMember<Form>(page, "/forms", {
      name: `Shop ${spelling}`,
      origins: [origin],
      shows: "both",
    });
    script = form.script_url;
    const refused = await visit(page);
    await says(page, { ...detail, type: "open" }); // no submission
    await says(page, JSON.parse(JSON.stringify(detail).replace("EMAIL", email)));
    const box = page.getByRole("region", { name: "Get news on LINE" });
    await expect(box.getByRole("img", { name: "Scan with your phone's camera" })).toBeVisible();
    await expect(box).toHaveCount(1);
    await accessible(page, `form box, ${spelling}`);
    if (pictures) await page.screenshot({ path: `${pictures}/5-7-box-${detail.type}.png` });
    expect(refused).toEqual([]);
    await box.getByRole("link", { name: "Link with LINE" }).press("Enter");
    await expect(page.getByText("Scan with your phone's camera.")).toBeVisible();
    await accessible(page, "5-38-desktop");
    if (pictures) await page.screenshot({ path: `${pictures}/5-38-desktop-en.png` });
    expect(page.url()).not.toContain("@"); // nothing personal in the address
    const all = await asMemberLater(page, form.id);
    expect(all.submitted).toBeGreaterThan(0);
  });

test("5.7 a form speaks the merchant's own words, in the language of the shop's page", async ({
  page,
  request,
}) => {
  const email = `words${Date.now()}@customer.example`;
  await told(request, "/klaviyo/profiles", { email, first_name: "Kotoha" });
  await signIn(page, "en");
  const form = await asMember<Form>(page, "/forms", {
    name: "Own words",
    origins: [origin],
    shows: "button",
    texts: {
      en: { title: "Tea news <b>first</b>", button: "Yes please" },
      ja: { title: "お茶の便り", button: "受け取る" },
    },
  });
  script = form.script_url;
  for (const [shown, title, button, close] of [
    ["ja", "お茶の便り", "受け取る", "閉じる"], // what has no own words says the usual ones
    ["en", "Tea news <b>first</b>", "Yes please", "Close"],
    ["th", "Tea news <b>first</b>", "Yes please", "Close"],
  ] as const) {
    language = shown;
    await visit(page);
    await says(page, { type: "submit", formId: "AnyOne", metaData: { email } });
    const box = page.getByRole("region", { name: title });
    await expect(box.getByRole("link", { name: button })).toBeVisible();
    await expect(box.getByRole("button", { name: close })).toBeVisible();
    await expect(box.getByText(title)).toBeVisible(); // as text, whatever was typed
  }
  language = "en";
});

async function asMemberLater(page: Page, id: string) {
  await page.goto("/");
  let found: { id: string; submitted: number } | undefined;
  await expect
    .poll(async () => {
      const all = await asMember<Items<{ id: string; submitted: number }>>(page, "/forms");
      found = all.items.find((f) => f.id === id);
      return found?.submitted ?? 0;
    })
    .toBeGreaterThan(0);
  return found ?? { submitted: 0 };
}
