import { expect, type Locator, type Page, test } from "@playwright/test";
import { violations } from "./axe";
import { accessible, fits, looked, pictures, signIn, sizes } from "./console";
import { Hand } from "./hand";
import { cart } from "./klaviyo";
import { asMember, type Items, sim, told } from "./sim";
import { say as texts } from "./words";

// Messages from the first word to what the phone would show (UX 5.16, 5.17, 5.21, 5.32, 5.34),
// and walk-through 5 of UX 8 with a picture in place of best sellers. These run against a
// stack that played the demo's story: linked friends are there.

const words = {
  en: {
    messages: "Messages",
    create: "New message",
    nothing: "Start from nothing",
    name: "Name",
    text: "Text",
    add: "Add block",
    picture: "Picture",
    upload: "Upload",
    variable: "Variable",
    first: "first name",
    empty: "If first name is empty:",
    publish: "Publish version 1",
    published: "Version 1 is published. Flows send it from now on.",
    as: "Preview as",
    none: "No problems.",
    saved: /Saved \d\d:\d\d/,
    json: "Get JSON",
    replies: "Greeting and keyword replies",
    keyword: "Keyword",
    addKeyword: "Add keyword",
    save: "Save replies",
    tried: "What a friend writes",
    silent: "No reply.",
    statistics: "Statistics",
    tracking: "Tracking",
  },
  ja: {
    messages: "メッセージ",
    create: "メッセージを作成",
    nothing: "白紙から始める",
    name: "名前",
    text: "テキスト",
    add: "ブロックを追加",
    picture: "画像",
    upload: "アップロード",
    variable: "変数",
    first: "名",
    empty: "名が空の場合:",
    publish: "第1版を公開",
    published: "第1版を公開しました。今後のフローではこの版が送られます。",
    as: "表示する相手",
    none: "問題はありません。",
    saved: /\d\d:\d\d 保存済み/,
    json: "JSONを取得",
    replies: "あいさつ・キーワード応答",
    keyword: "キーワード",
    addKeyword: "キーワードを追加",
    save: "応答を保存",
    tried: "友だちの発言",
    silent: "応答しません。",
    statistics: "統計",
    tracking: "計測",
  },
} as const;

// a picture of two by one pixels
const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAADUlEQVR4nGM4EaABRAAKBwKBmPTJ3gAAAABJRU5ErkJggg==",
  "base64",
);

// brought is a picture that is dropped on a field or pasted into it, as from another window.
async function brought(field: Locator, how: "drop" | "paste", picture: string) {
  const data = await field.evaluateHandle((_, base64) => {
    const carried = new DataTransfer();
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    carried.items.add(new File([bytes], "tea.png", { type: "image/png" }));
    return carried;
  }, picture);
  if (how === "drop") await field.dispatchEvent("drop", { dataTransfer: data });
  else
    await field.evaluate((at, clipboardData) => {
      at.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, data);
}

// kept waits until the draft on the page is saved with these words.
const kept = (page: Page, part: string) =>
  expect
    .poll(async () => {
      const { draft } = await asMember<{ draft: unknown }>(
        page,
        `/messages/${page.url().split("/messages/")[1]}`,
      );
      return JSON.stringify(draft);
    })
    .toContain(part);

// emptied begins a message without a block, and gives how the nth block of a kind is added.
async function emptied(page: Page, language: "en" | "ja", home: string, name: string) {
  const [t, say] = [texts(language), words[language]];
  await page.goto(`${home}/messages`);
  await page.getByRole("button", { name: say.create, exact: true }).click();
  await page.getByRole("button", { name: say.nothing }).click();
  await page.getByLabel(say.name, { exact: true }).fill(name);
  const named = (n: number, kind: string) => t("message.block", { n, kind: t(`block.${kind}`) });
  await page.getByRole("button", { name: t("message.remove", { name: named(1, "text") }) }).click();
  return async (n: number, kind: string) => {
    await page.getByRole("button", { name: say.add }).click();
    await page.getByRole("menuitem", { name: t(`block.${kind}`), exact: true }).press("Enter");
    return page.getByRole("region", { name: named(n, kind), exact: true });
  };
}

for (const language of ["en", "ja"] as const) {
  const say = words[language];
  test(`5.16 a greeting with first name and picture, seen as Yuki, published: ${language}`, async ({
    page,
  }) => {
    const t = texts(language);
    const hand = new Hand();
    await signIn(page, language);
    await hand.click(
      page
        .getByRole("navigation", { name: t("menu.label") })
        .getByRole("link", { name: say.messages, exact: true }),
    );
    await hand.click(page.getByRole("button", { name: say.create, exact: true }));
    await expect(page.getByRole("button", { name: say.nothing })).toBeVisible();
    await looked(page, `5-16-messages-${language}`);
    await hand.click(page.getByRole("button", { name: say.nothing }));
    await hand.fill(page.getByLabel(say.name, { exact: true }), `Greeting ${language}`);
    const text = page.getByRole("textbox", { name: say.text, exact: true });
    await text.fill("now"); // what a menu adds goes where one wrote last
    await page.keyboard.press("Home");
    await page.getByRole("button", { name: t("message.addLink"), exact: true }).click();
    await page.getByRole("textbox", { name: t("message.link"), exact: true }).fill("shop.example/tea");
    await page.getByRole("menuitem", { name: t("message.addThisLink") }).click();
    await expect(text).toHaveText("https://shop.example/tea now");
    await hand.fill(text, "https://shop.example/tea ");
    await hand.click(page.getByRole("button", { name: say.variable }));
    await hand.click(page.getByRole("menuitem", { name: say.first, exact: true }));
    await hand.fill(page.getByLabel(say.empty), "there");
    await hand.click(page.getByRole("button", { name: say.add }));
    await hand.click(page.getByRole("menuitem", { name: t("block.imagemap"), exact: true }));
    const map = page.getByRole("region", { name: t("block.imagemap") });
    const chooser = page.waitForEvent("filechooser");
    await hand.click(map.getByRole("button", { name: say.upload }));
    await (await chooser).setFiles({ name: "tea.png", mimeType: "image/png", buffer: png });
    await expect(map.getByRole("textbox", { name: say.picture, exact: true })).toHaveValue(
      /\/m\/[0-9a-f]{64}$/,
    );
    await hand.click(map.getByRole("button", { name: t("message.addArea") }));
    await hand.fill(map.getByLabel(t("message.link"), { exact: true }), "https://shop.example/sale");
    const phone = page.getByRole("region", { name: new RegExp(`Greeting ${language}`) });
    await expect(phone).toContainText("there");
    const as = page.getByRole("combobox", { name: say.as });
    await hand.click(as);
    await expect(page.getByRole("option", { name: t("message.nobody") })).toBeVisible();
    await as.fill("yuki"); // however many friends there are
    await expect(page.getByRole("option").filter({ hasNotText: /yuki/i })).toHaveCount(0);
    await hand.click(page.getByRole("option", { name: /^Yuki/ }).first());
    await expect(phone).toContainText("Yuki");
    await expect(page.getByText(say.none)).toBeVisible();
    hand.within(16, 5);

    // What is tracked is told before it is sent, with this message's own campaign.
    await page.getByLabel(t("tracking.utm.campaign"), { exact: true }).fill("[[ first_name ]]");
    await expect(
      page.getByText(t("problem.utm_variable", { name: t("variable.first_name") })).first(),
    ).toBeVisible();
    await page.getByLabel(t("tracking.utm.campaign"), { exact: true }).fill("[[ message ]] [[ version ]]");
    const links = page.getByRole("list", { name: t("message.links") });
    for (const [i, at] of ["tea", "sale"].entries()) {
      await expect(links.nth(i)).toContainText(`shop.example/${at}${t("message.tracked")}`);
      await expect(links.nth(i)).toContainText(
        t("message.leadsTo", {
          address: `https://shop.example/${at}?utm_source=line&utm_medium=flow&utm_campaign=Greeting+${language}+1`,
        }),
      );
      await phone
        .getByRole("button", { name: `https://shop.example/${at}` })
        .first()
        .press("Enter");
      await expect(page.getByText(t("phone.opensTracked", { address: `shop.example/${at}` }))).toBeVisible();
    }

    // An emoji goes to where the caret is. What an IME composes beside the pill is there once,
    // though the preview follows while it is composed.
    await text.press("ControlOrMeta+End");
    await page
      .getByRole("button", { name: t("message.emoji"), exact: true })
      .first()
      .click();
    await page.getByRole("menuitem", { name: "🍵" }).click();
    await text.press("ControlOrMeta+End");
    const ime = await page.context().newCDPSession(page);
    const composed = (part: string) =>
      ime.send("Input.imeSetComposition", {
        text: part,
        selectionStart: part.length,
        selectionEnd: part.length,
      });
    await composed("よう");
    await expect(phone).toContainText("🍵よう");
    await composed("ようこそ");
    await ime.send("Input.insertText", { text: "ようこそ" });
    await expect(text).toHaveText(`https://shop.example/tea ${say.first}🍵ようこそ`);
    await expect(text.locator("[data-name=first_name]")).toHaveCount(1);
    await expect(phone).toContainText("Yuki🍵ようこそ");

    // Blocks change places by pointer, and back again by keyboard.
    const named = (n: number, kind: string) => t("message.block", { n, kind: t(`block.${kind}`) });
    const handle = (n: number, kind: string) =>
      page.getByRole("button", { name: t("message.drag", { name: named(n, kind) }) });
    const told = (key: string, values: Record<string, string | number>) =>
      expect(page.getByText(t(key, values))).toBeAttached();
    await handle(1, "text").hover();
    await page.mouse.down();
    await handle(2, "imagemap").hover();
    await told("message.dragOver", { name: named(1, "text"), n: 2 });
    await page.mouse.up();
    await told("message.dragEnd", { n: 2 });
    await handle(2, "text").focus();
    await page.keyboard.press("Space");
    await told("message.dragOver", { name: named(2, "text"), n: 2 });
    await page.keyboard.press("ArrowUp");
    await told("message.dragOver", { name: named(2, "text"), n: 1 });
    await page.keyboard.press("Space");
    await told("message.dragEnd", { n: 1 });
    await expect(handle(1, "text")).toBeVisible();
    await expect(page.getByText(say.none)).toBeVisible();
    await expect(page.getByText(say.saved)).toBeVisible();
    await page.getByRole("button", { name: say.publish }).click();
    await expect(page.getByText(say.published)).toBeVisible();
    await page.getByRole("button", { name: say.json }).click();
    const panel = page.getByRole("region", { name: t("message.getJson"), exact: true });
    const body = panel.getByRole("region", { name: t("json.body"), exact: true });
    await panel.getByRole("radiogroup").getByText(t("json.direct")).click();
    await expect(body).toContainText('"text"');
    await panel.getByRole("radiogroup").getByText(t("json.this")).click();
    await expect(body).toContainText('"message"');
    await expect(body).toContainText('"profile_id"');
    await panel.getByRole("button", { name: t("json.render") }).click(); // as Yuki
    await expect(panel.getByText(t("json.valid"), { exact: true })).toBeVisible();
    await looked(page, `5-16-editor-${language}`);
    await page.setViewportSize(sizes.ja);
    await looked(page, `5-16-editor-phone-${language}`);

    // What was published stays readable, and comes back as the draft; that can be undone.
    await page.setViewportSize(sizes[language]);
    await text.fill(`${"a".repeat(4998)}🍵`); // an emoji counts as two
    await expect(page.getByText("5,000 / 5,000", { exact: true })).toBeVisible();
    await text.press("ControlOrMeta+End");
    await page.keyboard.type("b");
    await expect(page.getByText("5,001 / 5,000", { exact: true })).toBeVisible();
    await expect(
      page.getByText(t("problem.too_long", { n: 5001, max: 5000, over: 1 })).first(),
    ).toBeVisible();
    await text.fill("Second words");
    await expect(page.getByText(t("message.publish", { n: 2 }))).toBeVisible();
    await page.getByRole("button", { name: t("message.publish", { n: 2 }) }).click();
    await expect(page.getByText(t("message.published", { n: 2 }))).toBeVisible();
    const open = () => page.getByRole("link", { name: t("message.versions") }).click();
    await open();
    const version = (n: number) => page.getByRole("article").filter({ hasText: t("message.version", { n }) });
    await expect(version(1)).toContainText("https://shop.example/tea there");
    await expect(version(2)).toContainText("Second words");
    await expect(version(2)).toContainText(t("message.sentTimes", { n: 0 }));
    await looked(page, `5-16-versions-${language}`);
    const back = version(1).getByRole("link", { name: t("message.bringBack", { n: 1 }) });
    await back.click();
    await expect(text).toContainText("https://shop.example/tea");
    await page.getByRole("button", { name: t("common.undo") }).click();
    await expect(text).toHaveText("Second words");
    await open();
    await back.click();
    await expect(text).toContainText("https://shop.example/tea");
    await kept(page, "shop.example/tea");
    await page.reload(); // it was brought back once
    await expect(text).toContainText("https://shop.example/tea");
    await text.fill("Third words");
    await kept(page, "Third words");
    await page.reload();
    await expect(text).toHaveText("Third words");
  });

  test(`5.16 each other kind of block, quick replies and sender, as the phone shows them: ${language}`, async ({
    page,
    request,
  }) => {
    const t = texts(language);
    const home = await signIn(page, language);
    // measured switches on or off whether openings are measured, and looks at what is said of them.
    const measured = async (on: boolean) => {
      await page.goto(`${home}/settings/tracking`);
      const opens = page.getByRole("switch", { name: t("tracking.opensOn") });
      await expect(opens).toBeVisible();
      if ((await opens.isChecked()) !== on) await opens.click({ force: true }); // checked once it is saved
      await expect(opens).toBeChecked({ checked: on });
      await page.goto(`${home}/statistics`);
      await expect(page.getByTestId("statistics-opened")).toHaveText(on ? /^\d/ : "-");
      await expect(page.getByText(t("statistics.opensOff"))).toHaveCount(on ? 0 : 1);
    };
    await measured(false);
    await looked(page, `5-32-opens-off-${language}`);
    const add = await emptied(page, language, home, `Kinds ${language}`);
    await add(1, "sticker");
    const video = await add(2, "video");
    await video.getByLabel(t("message.video")).fill("https://cdn.shop.example/tea.mp4");
    await brought(video.getByLabel(t("message.poster")), "drop", png.toString("base64"));
    await expect(video.getByLabel(t("message.poster"))).toHaveValue(/\/m\/[0-9a-f]{64}$/);
    const map = await add(3, "imagemap");
    const alt = t("message.altFrom", { name: "Hana Tea" });
    await expect(map.getByRole("textbox", { name: t("message.alt") })).toHaveText(alt);
    // A picture by its address gives the height, and an uploaded one its shape.
    await page.route("**/picture?url=*map.example*", (r) =>
      r.fulfill({ contentType: "image/png", body: png }),
    );
    const address = map.getByRole("textbox", { name: t("message.picture"), exact: true });
    await address.fill("https://map.example/tea");
    const height = map.getByLabel(t("message.mapHeight"));
    await expect(height).toHaveValue("520");
    await height.fill("700");
    await brought(address, "paste", png.toString("base64"));
    await expect(address).toHaveValue(/\/m\/[0-9a-f]{64}$/);
    await expect(height).toBeHidden();
    await map.getByRole("button", { name: t("message.addArea") }).click();
    await map.getByLabel(t("message.link"), { exact: true }).fill("https://shop.example/map");
    const cards = await add(4, "cards");
    await cards.getByRole("textbox", { name: t("message.cardTitle") }).fill("Sencha");
    await cards.getByLabel(t("message.label"), { exact: true }).fill("Buy🍵");
    await expect(cards.getByText(t("message.letters", { n: 4, max: 40 }))).toBeVisible(); // as people see them
    await cards.getByLabel(t("message.label"), { exact: true }).fill("Buy");
    await cards.getByLabel(t("message.link"), { exact: true }).fill("tel:0312345678");
    const json = await add(5, "json");
    await json
      .getByRole("textbox", { name: t("message.json") })
      .fill(
        '{"type":"flex","altText":"Gyokuro","contents":{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[{"type":"text","text":"Gyokuro"}]}}}',
      );
    const extras = page.getByRole("region", { name: t("message.extras") });
    const quick = extras.getByLabel(t("message.label"), { exact: true });
    await page.getByRole("button", { name: t("message.addQuick") }).press("Enter");
    for (const _ of ["remove", "link", "label"]) await page.keyboard.press("Shift+Tab");
    await expect(quick).toBeFocused();
    await page.keyboard.type("Hours");
    await expect(extras.getByText(t("message.letters", { n: 5, max: 20 }))).toBeVisible();
    await page.keyboard.type(" of every shop at sea");
    await expect(extras.getByText(t("message.letters", { n: 26, max: 20 }))).toBeVisible();
    await expect(extras.getByText(t("problem.too_long", { n: 26, max: 20, over: 6 }))).toBeVisible();
    await quick.fill("Hours");
    await page.getByRole("button", { name: t("message.addQuick") }).press("Enter");
    await expect(extras.getByText(t("message.quick", { n: 2 }))).toBeVisible();
    await page.keyboard.press("Shift+Tab");
    await expect(page.getByRole("button", { name: t("message.removeQuick", { n: 2 }) })).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(quick).toHaveCount(1);
    await expect(quick).toHaveValue("Hours");
    await extras.getByLabel(t("message.sender"), { exact: true }).fill("Mei");

    const phone = page.getByRole("region", { name: new RegExp(`Kinds ${language}`) });
    for (const part of ["Mei", "Sencha", "Gyokuro"]) await expect(phone).toContainText(part);
    await expect(phone.getByRole("button", { name: "Hours" })).toBeVisible();
    await phone.getByRole("button", { name: "Buy" }).click();
    await expect(page.getByText(t("phone.calls", { number: "0312345678" }))).toBeVisible();
    const links = page.getByRole("list", { name: t("message.links") });
    await expect(links).toHaveCount(1); // a call is not tracked
    await expect(links).toContainText("shop.example/map");
    await expect(page.getByText(say.none)).toBeVisible();

    // On a desk the preview is as wide as a phone may be; what can be tapped is outlined.
    await page.setViewportSize(sizes.en);
    for (const width of [320, 430, 375]) {
      await page
        .getByRole("radiogroup", { name: t("message.width") })
        .getByText(String(width))
        .click();
      await expect(phone).toHaveCSS("width", `${width}px`);
    }
    const area = phone.getByText("1", { exact: true });
    await expect(area).toHaveCount(0);
    await page.getByRole("switch", { name: t("message.showAreas") }).click();
    await expect(area).toBeVisible();
    expect(await violations(page, "merchants")).toEqual([]); // the colours of its buttons are LINE's
    await fits(page, `5-16-kinds-${language}`);
    if (pictures) await page.screenshot({ path: `${pictures}/5-16-kinds-${language}.png`, fullPage: true });

    // Published, each kind arrives on the phone as it stands here, and its version counts it.
    await page.getByRole("button", { name: say.json }).click();
    await expect(page.getByText(t("json.publishFirst"))).toBeVisible();
    await page.getByRole("button", { name: say.publish }).click();
    await expect(page.getByText(say.published)).toBeVisible();
    await expect(page.getByText(t("json.publishFirst"))).toBeHidden();
    const id = new URL(page.url()).pathname.split("/").at(-1);
    // sendTest is Klaviyo's test of a new webhook: one that calls again would be a repetition.
    const sendTest = async () => {
      const { url, body } = await asMember<{ url: string; body: string }>(page, `/get_json?message=${id}`);
      const headers = (await cart(request)).webhook.headers;
      const flow = await told<{ id: string }>(request, "/klaviyo/flows", {
        name: `Kinds ${language}`,
        metric: "Checkout Started",
        status: "draft",
        webhook: { url, headers, body },
      });
      await told(request, `/klaviyo/flows/${flow.id}/test_send`, { profile: "mio@customer.example" });
      await request.delete(`${sim}/sim/v1/klaviyo/flows/${flow.id}`);
    };
    const arrived = async () => {
      const chat = await told<Items<{ message: { type: string } }>>(request, "/people/mio/chat");
      return chat.items.slice(-5).map((m) => m.message);
    };
    const types = async () => (await arrived()).map((m) => m.type);
    const beacon = async () => /\/o\/[\w-]+\.png/.test(JSON.stringify(await arrived()));
    const own = async () => JSON.stringify(await arrived()).match(/\/i\/[\w-]+/g) ?? [];
    await sendTest();
    await expect.poll(types, { timeout: 30_000 }).toEqual(["sticker", "video", "imagemap", "flex", "flex"]);
    expect(await beacon()).toBe(false);
    const shared = await own(); // the same for everybody
    await page.goto(`${home}/messages/${id}/versions`);
    await expect(page.getByRole("article")).toContainText(t("message.sentTimes", { n: 1 }));
    await page.goto(`${sim}/phone`);
    await page.getByRole("button", { name: "Mio T." }).click();
    const hers = page.getByRole("region", { name: "Phone of Mio T." });
    await hers.getByRole("button", { name: /^Hana Tea/ }).click();
    for (const part of ["Mei", "Sencha", "Gyokuro"]) await expect(hers).toContainText(part);
    await expect(hers.getByRole("button", { name: "Hours" })).toBeVisible();
    if (pictures) await page.screenshot({ path: `${pictures}/5-16-kinds-arrived-${language}.png` });

    // Measured again, it brings a picture of one pixel, and its own pictures have an address of
    // this message. The engine sends as before for the few seconds until it reads the switch anew.
    await measured(true);
    await expect(async () => {
      await sendTest();
      await expect.poll(beacon, { timeout: 3000 }).toBe(true);
    }).toPass({ timeout: 30_000 });
    expect(shared.length).toBeGreaterThan(0);
    for (const one of await own()) expect(shared).not.toContain(one);
  });

  test(`5.16 the part of a picture that is seen is chosen, and the whole picture comes back: ${language}`, async ({
    page,
  }) => {
    const t = texts(language);
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const add = await emptied(page, language, home, `Cut ${language}`);
    // a picture that is red on the left and blue on the right
    const halves = await page.evaluate(() => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [400, 100];
      const to = canvas.getContext("2d");
      for (const [i, colour] of ["#f00", "#00f"].entries()) {
        if (to) to.fillStyle = colour;
        to?.fillRect(200 * i, 0, 200, 100);
      }
      return canvas.toDataURL("image/png").split(",")[1] ?? "";
    });
    const upload = async (at: Locator) => {
      const chooser = page.waitForEvent("filechooser");
      await at.getByRole("button", { name: say.upload }).click();
      const buffer = Buffer.from(halves, "base64");
      await (await chooser).setFiles({ name: "halves.png", mimeType: "image/png", buffer });
    };
    const frame = (at: Locator) =>
      at
        .getByRole("group", { name: t("message.cut.title") })
        .getByRole("button")
        .first();
    const use = (at: Locator) => at.getByRole("button", { name: t("message.cut.use") });
    const undo = (at: Locator) => at.getByRole("button", { name: t("message.cut.whole") });
    const phone = page.getByRole("region", { name: new RegExp(`Cut ${language}`) });
    // red is how much of the left half the phone's picture has, in percent
    const red = (n: number) => async () =>
      phone
        .locator("img")
        .nth(n)
        .evaluate((img: HTMLImageElement) => {
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [100, 1];
          const to = canvas.getContext("2d");
          if (!img.naturalWidth || !to) return -1;
          to.drawImage(img, 0, 0, 100, 1);
          const { data } = to.getImageData(0, 0, 100, 1);
          return data.filter((v, i) => i % 4 === 0 && v > 127).length;
        });

    // A card shows the middle; by pointer it is what stands on the right.
    const cards = await add(1, "cards");
    await cards.getByRole("textbox", { name: t("message.cardTitle") }).fill("Sencha");
    await upload(cards);
    await expect(use(cards)).toBeDisabled();
    await expect.poll(red(0)).toBe(50);
    await frame(cards).hover(); // it is in sight
    const at = await frame(cards).boundingBox();
    if (!at) throw new Error("the part is not drawn");
    await page.mouse.move(at.x + at.width / 2, at.y + at.height / 2);
    await page.mouse.down();
    await page.mouse.move(at.x + 300, at.y + at.height / 2, { steps: 4 });
    await page.mouse.up();
    await use(cards).click();
    await expect.poll(red(0)).toBe(0);
    await undo(cards).click();
    await expect.poll(red(0)).toBe(50);

    // By keyboard it moves and zooms, and it is known again after a while.
    await frame(cards).press("+");
    for (let i = 0; i < 20; i++) await frame(cards).press("ArrowLeft");
    await cards.getByRole("slider", { name: t("message.cut.zoom") }).press("ArrowRight");
    await use(cards).click();
    await expect.poll(red(0)).toBe(100);
    const said = (await frame(cards).getAttribute("aria-label")) ?? "";

    // A picture by itself is seen whole, and may be dropped.
    const image = await add(2, "image");
    const address = image.getByRole("textbox", { name: say.picture, exact: true });
    await brought(address, "drop", halves);
    await expect(address).toHaveValue(/\/m\/[0-9a-f]{64}$/);
    await expect.poll(red(1)).toBe(50);
    await kept(page, await cards.getByRole("textbox", { name: say.picture, exact: true }).inputValue());
    await page.reload();
    await expect(frame(cards)).toHaveAttribute("aria-label", said);
  });

  test(`5.21 who adds the account is greeted, keywords are answered in order, free of charge: ${language}`, async ({
    page,
    request,
  }) => {
    const t = texts(language);
    const word = `${language} ${Date.now()}`;
    const home = await signIn(page, language);
    // published is a message of one text that can be sent.
    const published = async (text: string) => {
      const draft = { blocks: [JSON.stringify({ type: "text", text })] };
      const made = await asMember<{ id: string; revision: number }>(page, "/messages", { name: text, draft });
      await asMember(page, `/messages/${made.id}/publish`, { revision: made.revision });
      return text;
    };
    const hello = await published(`Hello ${word}`);
    const coupon = await published(`Any coupon ${word}`);
    const best = await published(`Best coupon ${word}`);
    await page.goto(`${home}/replies`);
    await expect(page.getByRole("heading", { level: 1, name: say.replies })).toBeVisible();
    const choose = async (at: Locator, message: string) => {
      await at.getByRole("combobox", { name: t("reply.message") }).click();
      await page.getByRole("option", { name: message, exact: true }).click();
    };
    const greeting = page.getByRole("region", { name: t("reply.greeting"), exact: true });
    const greets = greeting.getByRole("switch", { name: t("reply.greetingOn") });
    await greets.setChecked(true, { force: true });
    await choose(greeting, hello);
    const rules = page.getByRole("region", { name: t("reply.keywords"), exact: true }).getByRole("group");
    const had = await rules.count();
    // rule is the nth of those that this visit adds.
    const rule = (n: number) =>
      page.getByRole("group", { name: t("reply.rule", { n: had + n }), exact: true });
    for (const [i, [keyword, message]] of [
      [word, coupon],
      [`ＣＯＵＰＯＮ ${word}`, best],
    ].entries()) {
      await page.getByRole("button", { name: say.addKeyword }).click();
      await rule(i + 1)
        .getByLabel(say.keyword, { exact: true })
        .fill(keyword ?? "");
      await choose(rule(i + 1), message ?? "");
    }
    await rule(1)
      .getByRole("combobox", { name: t("reply.match") })
      .click();
    await page.getByRole("option", { name: t("reply.contains") }).click();
    await page.getByLabel(say.tried).fill(`coupon ${word}`);
    await expect(page.getByText(t("reply.answers", { name: coupon }))).toBeVisible();
    await page.getByLabel(say.tried).fill("something else");
    await expect(page.getByText(say.silent)).toBeVisible();
    const saved = async () => {
      const answer = page.waitForResponse(
        (r) => r.url().endsWith("/replies") && r.request().method() === "PUT",
      );
      await page.getByRole("button", { name: say.save }).click();
      expect((await answer).ok()).toBe(true);
    };
    await saved();
    await expect(page.getByText(say.saved)).toBeVisible();
    await looked(page, `5-21-replies-${language}`);

    // On her phone: greeted, then answered as the order and the switches say.
    const her = await told<{ id: string; name: string }>(request, "/people", { name: `Kaede ${word}` });
    const phone = await page.context().newPage();
    await phone.goto(`${sim}/phone?person=${her.id}`);
    const chat = phone.getByRole("region", { name: `Phone of ${her.name}` });
    await chat.getByRole("button", { name: /^Hana Tea/ }).click();
    await phone.getByRole("button", { name: "Add friend" }).click();
    await expect(chat.getByText(hello)).toBeVisible();
    const answered = async (by: string, n: number) => {
      await chat.getByLabel("Write").fill(`coupon ${word}`);
      await chat.getByRole("button", { name: "Send" }).click();
      await expect(chat.getByText(by, { exact: true })).toHaveCount(n);
    };
    await answered(coupon, 1);
    const second = t("message.up", { name: t("reply.rule", { n: had + 2 }) });
    await page.getByRole("button", { name: second }).click();
    await saved();
    await answered(best, 1);
    if (pictures) await phone.screenshot({ path: `${pictures}/5-21-phone-${language}.png` });
    await rule(1)
      .getByRole("switch", { name: t("reply.on") })
      .setChecked(false, { force: true });
    await greets.setChecked(false, { force: true });
    await saved();
    await answered(coupon, 2);
    await phone.getByRole("button", { name: "Block", exact: true }).click();
    await phone.getByRole("button", { name: "Unblock", exact: true }).click();
    await answered(coupon, 3); // LINE's events come in order: there was no second greeting before
    await expect(chat.getByText(hello)).toHaveCount(1);

    // All of it went by the reply API, which costs nothing.
    type Sent = { api: string; body: { messages: { text: string }[] } };
    const ledger = await told<Items<Sent>>(request, "/line/ledger");
    const hers = ledger.items.filter((one) => one.body.messages.some((m) => m.text?.endsWith(word)));
    expect(hers.map((one) => one.api)).toEqual(Array(5).fill("reply"));
  });

  test(`5.32 5.34 statistics and tracking: ${language}`, { tag: "@reads" }, async ({ page }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    await page.goto(`${home}/statistics`);
    const sent = page.getByTestId("statistics-sent");
    await expect(sent).toHaveText(/^[1-9]/);

    // A range of one's own: wrong ones are said, right ones stand in the address.
    const t = texts(language);
    const show = async (from: string, to: string) => {
      await page.getByLabel(t("statistics.from"), { exact: true }).fill(from);
      await page.getByLabel(t("statistics.to"), { exact: true }).fill(to);
      await page.getByRole("button", { name: t("statistics.show") }).press("Enter");
    };
    await page.getByText(t("statistics.own"), { exact: true }).click();
    const today = await page.getByLabel(t("statistics.to"), { exact: true }).inputValue();
    await show(today, "2024-01-01");
    await expect(page.getByRole("alert")).toHaveText(t("statistics.wrong.order"));
    await show("2024-01-01", "2025-02-04");
    await expect(page.getByRole("alert")).toHaveText(t("statistics.wrong.long", { most: 400, n: 401 }));
    await expect(sent).toBeHidden();
    await show("2024-01-01", "2024-01-02");
    await expect(page.getByText(t("statistics.empty"))).toBeVisible();
    await show(today, today);
    await expect(page).toHaveURL(new RegExp(`from=${today}&to=${today}$`));
    await expect(sent).toHaveText(/^[1-9]/);
    await expect(page.locator("[data-unfinished]").first()).toBeAttached(); // today's bar is hatched

    // What stands on the page stands in its files.
    const tile = async (name: string) =>
      Number((await page.getByTestId(`statistics-${name}`).innerText()).replaceAll(",", ""));
    const column = async (by: string, name: string) => {
      const href = await page.getByRole("link", { name: t(`statistics.csv.${by}`) }).getAttribute("href");
      const text = await (await page.request.get(href ?? "")).text();
      const [titles = [], ...rows] = text
        .trim()
        .split(/\r?\n/)
        .map((row) => row.split(","));
      return rows.reduce((sum, row) => sum + Number(row.at(titles.indexOf(name) - titles.length)), 0);
    };
    await expect(async () => {
      await page.reload(); // others may send meanwhile
      await expect(sent).toHaveText(/^[1-9]/);
      for (const by of ["day", "message"]) {
        expect(await column(by, "sent"), by).toBe(await tile("sent"));
        expect(await column(by, "clicks"), by).toBe(await tile("clicks"));
      }
      expect(await column("link", "clicks")).toBe(await tile("clicks"));
      expect(await column("reason", "not_sent")).toBe(await tile("not_sent"));
    }).toPass({ timeout: 60_000 });

    // LINE's own figures come beside ours; it tells nothing of fewer than 20 people.
    await page.getByRole("button", { name: t("statistics.askFor", { name: "Abandoned cart" }) }).click();
    await expect(
      page.getByText(t("statistics.fromLine", { opened: "<20", clicked: "<20" })).first(),
    ).toBeVisible();
    await looked(page, `5-32-statistics-${language}`);
    const hours = page.getByRole("figure").filter({ hasText: t("statistics.chart.hours") });
    await hours.getByRole("button", { name: t("common.asTable") }).click();
    await expect(hours.getByRole("row").nth(1)).toContainText(/\d\d:00.+[1-9]/);

    // A figure opens the people behind it.
    await page.getByTestId("statistics-clicks").getByRole("link").click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(t("statistics.people.clicked"));
    const person = page.getByRole("main").getByRole("link", { name: "Yuki S." });
    await expect(person).toHaveAttribute("href", /\/friends\/frd_/);
    await looked(page, `5-32-people-${language}`);
    await page.goBack();
    const codes = page.getByRole("group", { name: t("statistics.byCode") });
    await codes
      .getByRole("link", { name: new RegExp(t("statistics.people.linked")) })
      .first()
      .click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(t("statistics.people.linked"));
    await expect(person).toBeVisible();
    await page.goBack();
    await expect(sent).toBeVisible();
    await page.goBack();
    await expect(page.getByText(t("statistics.empty"))).toBeVisible();
    // The figures of all LINE accounts: those of each add up.
    await page.route(/\/merchants\/\w+\/channels$/, async (route) => {
      const answer = await route.fetch();
      const { items } = (await answer.json()) as Items<object>;
      const other = { ...items[0], id: "chn_2", name: "Hana Tea House", basic_id: "@house" };
      await route.fulfill({ response: answer, json: { items: [...items, other] } });
    });
    await page.goto(`${home}/statistics`);
    const account = page.getByRole("main").getByRole("combobox", { name: t("statistics.account") });
    await account.click();
    await page.getByRole("option", { name: t("statistics.allAccounts") }).click();
    await expect(page).toHaveURL(/accounts=all/);
    const each = page.getByRole("group", { name: t("statistics.byAccount") });
    await expect(each.getByRole("row").nth(1)).toContainText("Hana Tea");
    expect(await column("account", "sent")).toBe(await tile("sent"));
    await looked(page, `5-32-all-${language}`);
    await each
      .getByRole("link", { name: new RegExp(t("statistics.people.sent")) })
      .first()
      .click();
    await expect(person).toBeVisible();
    await page.goBack();
    await each.getByRole("link", { name: "Hana Tea", exact: true }).click();
    await expect(each).toHaveCount(0);
    await expect(page.getByTestId("statistics-sent")).toHaveText(/^[1-9]/);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.goto(`${home}/statistics/rules`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await looked(page, `5-32-rules-${language}`);
    await page.goto(`${home}/settings/tracking`);
    await expect(page.getByRole("heading", { level: 1, name: say.tracking })).toBeVisible();
    await expect(page.getByText("https://shop.example/tea?utm_source=line")).toBeVisible();
    await looked(page, `5-34-tracking-${language}`);
  });
}

test("5.16 what stands in the way is said, leads to its block, and mends itself; a clash loses nothing", async ({
  page,
}) => {
  const home = await signIn(page, "en");
  await page.goto(`${home}/messages`);
  await page.getByRole("button", { name: "New message", exact: true }).click();
  await page.getByRole("button", { name: "Start from nothing" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Problems");
  const text = page.getByRole("textbox", { name: "Text", exact: true });
  await text.fill("Hi {{ first_name|default:'you' }}");
  await page.getByRole("button", { name: "Use our form" }).click();
  await expect(text).toHaveText("Hi first name");
  await page.getByRole("button", { name: "Add block" }).click();
  await page.getByRole("menuitem", { name: "Flex or message JSON" }).press("Enter");
  await page.getByRole("textbox", { name: "Message JSON" }).fill('{"type":"text",\n"text":}');
  await expect(page.getByText("This is not JSON. Look at line 2.").first()).toBeVisible();
  await page.getByRole("button", { name: "Go to block 2" }).click();
  await expect(page.getByRole("textbox", { name: "Message JSON" })).toBeFocused();
  await page.getByRole("button", { name: "Move 2 Flex or message JSON up" }).press("Enter");
  await expect(page.getByRole("button", { name: "Remove 1 Flex or message JSON" })).toBeVisible();
  await page.keyboard.press("Control+z");
  await expect(page.getByRole("button", { name: "Remove 2 Flex or message JSON" })).toBeVisible();
  await page.keyboard.press("Control+Shift+z");
  await page.getByRole("button", { name: "Remove 1 Flex or message JSON" }).click();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("textbox", { name: "Message JSON" })).toBeVisible();
  await page.getByRole("button", { name: "Remove 1 Flex or message JSON" }).click();
  await expect(page.getByText(/Saved \d\d:\d\d/)).toBeVisible();

  // It is open in a second tab: both are told, and no more once one is closed.
  const twice = "This message is open in another tab of yours, too.";
  const second = await page.context().newPage();
  await second.goto(page.url());
  await expect(second.getByText(twice)).toBeVisible();
  await expect(page.getByText(twice)).toBeVisible();
  await accessible(page, "5-16-editing-too");
  await second.close({ runBeforeUnload: true });
  await expect(page.getByText(twice)).toBeHidden();

  // somebody else saves meanwhile
  const id = page.url().split("/messages/")[1];
  const theirs = (name: string) =>
    page.evaluate(
      async ([message, name]) => {
        const me = await (await fetch("/api/v1/me")).json();
        const channels = await (await fetch(`/api/v1/merchants/${me.merchants[0].id}/channels`)).json();
        const at = `/api/v1/merchants/${me.merchants[0].id}/channels/${channels.items[0].id}/messages/${message}`;
        for (let tries = 0; tries < 20; tries++) {
          const now = await (await fetch(at)).json();
          const saved = await fetch(at, {
            method: "PUT",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ name, draft: now.draft, revision: now.revision }),
          });
          if (saved.ok) return;
        }
      },
      [id, name],
    );
  await theirs("Theirs");
  await page.getByLabel("Name", { exact: true }).fill("Mine");
  await expect(page.getByText(/saved a newer version at/)).toBeVisible();
  await page.getByRole("button", { name: "Keep mine as a copy" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Copy of Mine" })).toBeVisible();

  // Who leaves at once instead finds what was written as a copy, too.
  await page.goto(`${home}/messages/${id}`);
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Theirs");
  await theirs("Theirs again");
  await page.getByLabel("Name", { exact: true }).fill("Also mine");
  await page.getByRole("link", { name: "Messages", exact: true }).first().click();
  await page.getByRole("link", { name: "Copy of Also mine" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Copy of Also mine" })).toBeVisible();
});
