import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { build, type PreviewServer, preview } from "vite";
import config from "../golden.vite.config";
import { violations } from "./axe";
import { goldens } from "./golden/messages";

// The golden messages are drawn at 375 px and held against their pictures. The pages are
// built here and need no stack.
let server: PreviewServer;
let dir: string;
let base: string;

let page: Page;
const outside: string[] = [];

test.beforeAll(async ({ browser }) => {
  dir = await mkdtemp(join(tmpdir(), "lumo-golden-"));
  await build({ ...config, configFile: false, build: { outDir: dir, emptyOutDir: true, minify: false } });
  server = await preview({
    ...config,
    configFile: false,
    build: { outDir: dir },
    preview: { port: 0, host: "127.0.0.1" },
  });
  base = server.resolvedUrls?.local[0] ?? "";
  // One page for all of them: the fonts are large.
  const context = await browser.newContext({
    viewport: { width: 400, height: 800 },
    timezoneId: "Asia/Tokyo",
    locale: "en-US",
    reducedMotion: "reduce",
  });
  page = await context.newPage();
  page.on("request", (r) => {
    if (!r.url().startsWith(base) && !r.url().startsWith("data:")) outside.push(r.url());
  });
});

test.afterAll(async () => {
  await page.context().close();
  await server.close();
  await rm(dir, { recursive: true });
});

const file = (name: string) => name.replace(/\W+/g, "-");
const show = (name: string) => page.goto(`${base}?name=${encodeURIComponent(name)}`);

test("7 there are 24 golden messages, each with its picture", async () => {
  const pictures = await readdir(new URL("./golden.spec.ts-snapshots", import.meta.url));
  expect(pictures.sort()).toEqual(
    Object.keys(goldens)
      .map((name) => `${file(name)}-linux.png`)
      .sort(),
  );
  expect(pictures).toHaveLength(24);
});

for (const name of Object.keys(goldens))
  test(`7 golden message: ${name}`, async () => {
    await show(name);
    const phone = page.getByRole("region", { name: `Preview of ${name}` });
    await page.evaluate(() => document.fonts.ready);
    await expect(phone).toHaveScreenshot(`${file(name)}.png`, {
      maxDiffPixelRatio: 0.02,
      threshold: 0.25,
    });
  });

test("7 axe finds nothing on any of them, and nothing is loaded from elsewhere", async () => {
  await show("");
  await expect(page.getByRole("region", { name: /^Preview of / })).toHaveCount(Object.keys(goldens).length);
  expect(await violations(page, "merchants")).toEqual([]);
  expect(outside).toEqual([]);
});

test("7 a video is a box whatever its picture is", async () => {
  await show("video");
  const picture = page.getByRole("img", { name: "Video" });
  await picture.evaluate((img: HTMLImageElement) => {
    img.src = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="; // one point
  });
  await expect.poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(1);
  const box = await picture.boundingBox();
  expect(box?.width).toBeGreaterThanOrEqual(180);
  expect(box?.height).toBeGreaterThanOrEqual(120);
});

test("7 a carousel is moved by arrow keys and by a pull", async () => {
  await show("five cards");
  const row = page.getByRole("group", { name: "5 cards, side by side" });
  const at = () => row.evaluate((e) => e.scrollLeft);
  await row.focus();
  await page.keyboard.press("ArrowRight");
  await expect.poll(at).toBeGreaterThan(200);
  await page.keyboard.press("ArrowLeft");
  await expect.poll(at).toBe(0);
  const box = await row.boundingBox();
  if (!box) throw new Error("the cards are not drawn");
  await page.mouse.move(box.x + 250, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 50, box.y + 60, { steps: 4 });
  await page.mouse.up();
  await expect.poll(at).toBeGreaterThan(100);
});

test("7 the whole phone is reached by keys", async () => {
  await show("product");
  await expect(page.getByRole("button", { name: "Questions?" })).toBeVisible(); // keys before that reach nothing
  const reached: string[] = [];
  for (let i = 0; i < 5; i++) {
    await page.keyboard.press("Tab");
    reached.push(
      await page.evaluate(
        () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "",
      ),
    );
  }
  expect(reached).toEqual(["Hana Tea", "Matcha set", "Buy", "Later", "Questions?"]);
});
