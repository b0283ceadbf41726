import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, type Locator, type Page, test } from "@playwright/test";
import { accessible, looked, pictures, signIn, sizes } from "./console";
import { asMember, edge, type Items, told } from "./sim";
import { say } from "./words";

// The script of a form on a shop's page with a strict content security policy (UX 5.7), with
// both spellings of what Klaviyo's forms say, and the page that a desktop's visitor gets (5.38).

let shop: Server;
let origin: string;
let script: string;
let language = "en"; // of the shop's page

// The shop's page holds the script, and others do not.
const bare = "/without";
const other = "/other";

test.beforeAll(async () => {
  shop = createServer((asked, answer) => {
    answer.setHeader("Content-Type", "text/html; charset=utf-8");
    answer.setHeader(
      "Content-Security-Policy",
      `default-src 'none'; script-src ${edge}; connect-src ${edge}; img-src ${edge}`,
    );
    answer.end(`<!doctype html><html lang="${language}"><title>A shop</title><main><h1>A shop</h1></main>
${{ [bare]: "", [other]: `<script src="${edge}/f/aaaaaaaaaaaaaaaa.js" async></script>` }[asked.url ?? ""] ?? `<script src="${script}" async></script>`}</html>`);
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

// answered submits until the box is there: an address may do so ten times a minute, and a page
// once.
async function answered(page: Page, box: Locator, detail: object) {
  let tries = 0;
  await expect(async () => {
    if (tries++ > 0) await visit(page);
    await says(page, detail);
    await expect(box).toBeVisible({ timeout: 3_000 });
  }).toPass({ timeout: 90_000, intervals: [5_000] });
}

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
    const box = page.getByRole("region", { name: "Get news on LINE" });
    await answered(page, box, JSON.parse(JSON.stringify(detail).replace("EMAIL", email)));
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
    ["zh-TW", "透過LINE接收最新消息", "連結LINE", "關閉"], // nothing of its own: ours
    ["fr", "Tea news <b>first</b>", "Yes please", "Close"],
  ] as const) {
    language = shown;
    await visit(page);
    const box = page.getByRole("region", { name: title });
    await answered(page, box, { type: "submit", formId: "AnyOne", metaData: { email } });
    await expect(box.getByRole("link", { name: button })).toBeVisible();
    await expect(box.getByRole("button", { name: close })).toBeVisible();
    await expect(box.getByText(title)).toBeVisible(); // as text, whatever was typed
  }
  language = "en";
});

for (const lang of ["en", "ja"] as const) {
  const t = say(lang);

  test(`5.7 a form is written, seen, put on the shop page and checked: ${lang}`, async ({
    page,
    context,
    request,
  }) => {
    const stamp = Date.now();
    const email = `in${stamp}@customer.example`;
    await told(request, "/klaviyo/profiles", { email, first_name: "Sumi" });
    await page.setViewportSize(sizes[lang]);
    const home = await signIn(page, lang);
    const name = `Club ${stamp}`;
    const preview = page.getByRole("region", { name: t("linking.forms.preview") });
    const write = (field: string, text: string) =>
      page.getByRole("textbox", { name: t(`linking.forms.text.${field}`), exact: true }).fill(text);

    await test.step("its texts are written, and seen in both widths", async () => {
      await page.goto(`${home}/linking/forms/new`);
      await page.getByLabel(t("linking.name")).fill(name);
      await page.getByRole("combobox", { name: t("linking.forms.origins") }).fill(origin);
      await page.keyboard.press("Enter");
      await expect(preview).toContainText("LINEと連携する"); // the usual words
      await write("title", "お茶の便り <b>新着</b>");
      await write("button", "受け取る");
      await expect(preview).toContainText("お茶の便り <b>新着</b>"); // as text
      await expect(preview).toContainText("受け取る");
      await looked(page, `5-7-new-phone-${lang}`);
      await page.getByText(t("linking.codes.desktop"), { exact: true }).filter({ visible: true }).click();
      await write("code", "カメラでどうぞ");
      await expect(preview).toContainText("カメラでどうぞ");
      await expect(preview).not.toContainText("受け取る"); // both: on a desk the QR code
      await page.getByRole("tab", { name: t("linking.language.en") }).click();
      await expect(preview).toContainText("Get news on LINE");
      await write("title", "Tea news");
      await write("close", "Not now");
      await expect(preview).toContainText("Tea news");
      await expect(preview).toContainText("Not now");
      await looked(page, `5-7-new-desktop-${lang}`);
      for (const [of, usual] of [
        ["zh", "請用手機相機掃描"],
        ["th", "สแกนด้วยกล้องโทรศัพท์ของคุณ"],
      ]) {
        await page.getByRole("tab", { name: t(`linking.language.${of}`) }).click();
        await expect(preview).toContainText(usual ?? "");
      }
      await page.getByRole("button", { name: t("linking.forms.create") }).click();
      await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
    });

    const { items } = await asMember<Items<Form & { name: string }>>(page, "/forms");
    script = items.find((f) => f.name === name)?.script_url ?? "";
    await expect(page.getByText(`<script async src="${script}"></script>`)).toBeVisible();

    await test.step("the page is checked: without it, another's, no page, and found", async () => {
      const check = page.getByRole("region", { name: t("linking.forms.check") });
      for (const [path, state] of [
        [bare, "missing"],
        [other, "other_form"],
        ["", "found"],
      ] as const) {
        await check.getByLabel(t("linking.forms.page")).fill(origin + path);
        await check.getByRole("button", { name: t("linking.forms.check") }).click();
        await expect(check.getByText(t(`linking.page.${state}`))).toBeVisible();
        await looked(page, `5-7-page-${state}-${lang}`);
      }
      await check.getByLabel(t("linking.forms.page")).fill("http://127.0.0.1:9/");
      await check.getByRole("button", { name: t("linking.forms.check") }).click();
      await expect(
        check.getByText(`${t("linking.page.unreachable")} ${t("linking.forms.originMissing")}`),
      ).toBeVisible();
      await looked(page, `5-7-page-unreachable-${lang}`);
      await check.getByLabel(t("linking.forms.page")).fill(origin);
      await check.getByRole("button", { name: t("linking.forms.check") }).click();
      await expect(check.getByText(t("linking.forms.waiting"))).toBeVisible();
    });

    language = lang === "en" ? "ja" : "en"; // the shop's page, whatever the console speaks
    const guest = await context.newPage();
    const box = guest.getByRole("region", { name: lang === "en" ? "お茶の便り <b>新着</b>" : "Tea news" });
    await test.step("the shop page says what was written; the console hears of a submission", async () => {
      await visit(guest);
      await answered(guest, box, { type: "submit", formId: "AnyOne", metaData: { email } });
      if (lang === "en") await expect(box.getByText("カメラでどうぞ")).toBeVisible();
      else await expect(box.getByRole("button", { name: "Not now" })).toBeVisible();
      await expect(page.getByText(t("linking.forms.arrived"))).toBeVisible();
      await looked(page, `5-7-arrived-${lang}`);
      await box.getByRole("button").click();
      await expect(box).toBeHidden();
    });
    await guest.close();
    language = "en";

    await test.step("a form that was deleted in Klaviyo is said to be, until another is chosen", async () => {
      const lost = await asMember<Form>(page, "/forms", {
        name: `Lost ${stamp}`,
        origins: [origin],
        shows: "both",
        klaviyo_form: "Gone01",
      });
      await page.goto(`${home}/linking/forms/${lost.id}`);
      await expect(page.getByText(t("linking.forms.deleted"))).toBeVisible();
      await looked(page, `5-7-lost-${lang}`);
      await page.getByRole("combobox", { name: t("linking.forms.which") }).click();
      await page.getByRole("option", { name: t("linking.forms.any") }).click();
      await page.getByRole("button", { name: t("linking.forms.save") }).click();
      await expect(page.getByText(t("linking.forms.deleted"))).toBeHidden();
    });
  });
}

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
