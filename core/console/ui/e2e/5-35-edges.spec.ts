import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type APIRequestContext, type Browser, expect, type Page, test } from "@playwright/test";
import { accessible, fits, looked, pictures, signIn, sizes } from "./console";
import { say } from "./words";

// signInOperator opens the pages of the people who run the system.
async function signInOperator(page: Page, language: string) {
  await page.addInitScript((l) => localStorage.setItem("lumo.language", l), language);
  await page.goto("/sign-in");
  await page.getByLabel(/Email|メールアドレス/).fill(process.env.LUMO_E2E_OPERATOR ?? "");
  await page
    .getByLabel(/^(Password|パスワード)/)
    .first()
    .fill(process.env.LUMO_E2E_PASSWORD ?? "");
  await page.getByRole("button", { name: /^(Sign in|サインイン)$/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^(Overview|概要)$/ })).toBeVisible();
}

// merchant is a member's own browser.
async function merchant(browser: Browser) {
  const page = await (await browser.newContext()).newPage();
  await signIn(page, "en");
  return page;
}

test("5.35 all sending is stopped in two clicks; merchants see who and why, and that it ended", async ({
  page,
  browser,
}) => {
  await signInOperator(page, "en");
  const shop = await merchant(browser);
  await page.getByRole("button", { name: "Stop all sending" }).click();
  await page.getByRole("button", { name: "Stop sending for all merchants" }).click();
  const banner = page.getByRole("alert").filter({ hasText: "All sending is stopped since" });
  await expect(banner).toBeVisible();
  await accessible(page, "stopped");
  const told = shop.getByRole("alert").filter({ hasText: "Sato, who runs the system, stopped all sending" });
  await expect(told).toContainText("Something is wrong with the system and is being repaired.");
  await expect(told.getByRole("button")).toHaveCount(0);
  await accessible(shop, "a merchant whose sending is stopped");
  if (pictures) {
    await page.screenshot({ path: `${pictures}/5-35-stopped-en-1440.png` });
    await shop.screenshot({ path: `${pictures}/5-35-merchant-en-1440.png` });
  }
  await banner.getByRole("button", { name: "Resume all sending…" }).click();
  await page.getByRole("button", { name: "Resume sending for all merchants" }).click();
  await expect(banner).toBeHidden();
  await expect(told).toBeHidden();
  await shop.goto("/ops");
  await expect(shop.getByRole("heading", { level: 1, name: "Home" })).toBeVisible();
  await shop.context().close();
});

test("5.35 an edge is enrolled while the page waits, and revoked by its name", async ({ page, request }) => {
  await signInOperator(page, "en");
  await page.getByRole("link", { name: "Edges", exact: true }).click();
  await page.getByRole("button", { name: "Enrol an edge" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Osaka 1");
  await dialog.getByLabel("Merchants it may serve").fill("hana");
  await page.getByRole("option", { name: /Hana/ }).click();
  await page.keyboard.press("Escape");
  await accessible(page, "an edge for one merchant");
  if (pictures) await page.screenshot({ path: `${pictures}/5-35-scope-en-1440.png` });
  await dialog.getByRole("button", { name: "Make a code" }).click();
  await expect(dialog.getByText("Waiting for the edge…")).toBeVisible();
  if (pictures) await page.screenshot({ path: `${pictures}/5-35-enrol-en-1440.png` });
  const code = await dialog.locator("code").textContent();
  const enrolled = await request.post("/edge/v1/enrol", { data: { code, name: "host" } });
  expect(enrolled.ok()).toBe(true);
  const { key } = await enrolled.json();
  await expect(dialog.getByText("Osaka 1 is enrolled. Waiting until it connects…")).toBeVisible();
  await dialog.getByRole("link", { name: "See Osaka 1" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Osaka 1" })).toBeVisible();
  await expect(page.getByText(/^May serve/).locator("..")).toContainText("Hana");
  await page.getByRole("button", { name: "Revoke…" }).click();
  const revoke = page.getByRole("button", { name: "Revoke this edge" });
  await expect(revoke).toBeDisabled();
  await page.getByLabel("Type Osaka 1 to revoke it").fill("Osaka 1");
  await revoke.click();
  await expect(page.getByText(/^Revoked .*The core takes nothing from it\.$/)).toBeVisible();
  await expect(page.getByRole("cell", { name: "Sato revoked it." })).toBeVisible();
  const asked = await request.get("/edge/v1/modules/0", { headers: { Authorization: `Bearer ${key}` } });
  expect(asked.status()).toBe(401);
  await expect(page.getByText("It still runs, and sends webhooks back.")).toBeVisible();
});

test("5.35 merchants are listed by name and counts alone", async ({ page }) => {
  await signInOperator(page, "en");
  await page.getByRole("link", { name: "Merchants", exact: true }).click();
  const shop = page.getByRole("row", { name: /Hana/ });
  await expect(shop).toContainText("Served");
  await expect(page.getByRole("main").getByRole("link")).toHaveCount(0); // nothing of a merchant opens
  const answer = await page.request.get("/api/v1/ops/merchants");
  const { items } = await answer.json();
  expect(Object.keys(items[0]).sort()).toEqual([
    "created_at",
    "edges",
    "edges_working",
    "friends",
    "id",
    "line_accounts",
    "linked",
    "name",
    "sent",
    "slug",
  ]);
  await page.getByLabel("Search merchants").fill("no shop of this name");
  await expect(page.getByText("Nothing matches.")).toBeVisible();
});

const names = ["redirect", "qr", "hookauth"];
const own = path.join(import.meta.dirname, "..", "..", "..", "..", "edge", "modules"); // what edges bring

// atTheCore runs a command of the core's, as operators do on its machine.
function atTheCore(...args: string[]) {
  const { file, env } = JSON.parse(process.env.LUMO_E2E_CORE ?? "{}");
  return execFileSync(file, args, { env, encoding: "utf8", stdio: "pipe" });
}

// signed makes a set whose redirect is another, and gives its folder.
function signed(folder: string, key: string, version: number, redirect: (file: Buffer) => Buffer) {
  for (const name of names) {
    const file = readFileSync(path.join(own, `${name}.wasm`));
    writeFileSync(path.join(folder, `${name}.wasm`), name === "redirect" ? redirect(file) : file);
  }
  const out = path.join(folder, `${path.basename(key)}-${version}`);
  const of = ["--key", key, "--previous", own, "--version", `${version}`, "--out", out];
  atTheCore("modules", "sign", ...of, folder);
  return out;
}

// marked has a section that no code reads; broken is a module that exports nothing.
const marked = (mark: string) => (file: Buffer) =>
  Buffer.concat([file, Buffer.from([0, mark.length + 2, mark.length]), Buffer.from(`${mark}.`)]);
const broken = (file: Buffer) => file.subarray(0, 8);

// tapping opens a link again and again, as previews do, which count for nobody; the end tells what
// did not lead on.
function tapping(request: APIRequestContext) {
  const ended = new AbortController();
  const led = { on: 0, elsewhere: [] as number[] };
  const taps = (async () => {
    while (!ended.signal.aborted) {
      const to = await request.head(process.env.LUMO_E2E_LINK ?? "", { maxRedirects: 0 });
      if (to.status() === 302) led.on++;
      else led.elsewhere.push(to.status());
    }
  })();
  return async () => {
    ended.abort();
    await taps;
    return led;
  };
}

for (const language of ["en", "ja"] as const)
  test(`5.35 a published set is rolled back in one click, and a broken one is refused: ${language}`, async ({
    page,
  }) => {
    const t = say(language);
    await page.setViewportSize(sizes[language]);
    await signInOperator(page, language);
    await page.goto("/ops/modules");
    const { sets } = await (await page.request.get("/api/v1/ops/modules")).json();
    const last = sets[0]?.version ?? 0;
    if (last === 0) await expect(page.getByText(t("ops.modules.none"))).toBeVisible();
    if (sets[0]?.can_roll_back) atTheCore("modules", "roll-back", `${last}`); // this test broke off
    const version = last + 2; // each set has its way back after it
    const folder = mkdtempSync(path.join(tmpdir(), "lumo-sets-"));
    const key = process.env.LUMO_E2E_SIGNING_KEY ?? "";
    const done = tapping(page.request);
    const set = (n: number) =>
      page.getByRole("region", { name: t("ops.modules.version", { n }), exact: true });
    const runs = (n: number) => set(n).getByText(t("ops.modules.live", { n: 1, of: 1 }));
    const back = (n: number) => set(n).getByRole("button", { name: t("ops.modules.back") });
    const hash = (n: number) => set(n).locator("code").first();

    const first = signed(folder, key, version, marked(`v${version}`));
    atTheCore("modules", "publish", first);
    await expect(runs(version)).toBeVisible();
    const other = path.join(folder, "other.key");
    atTheCore("modules", "keygen", other);
    const forged = signed(folder, other, version + 2, marked("forged"));
    expect(() => atTheCore("modules", "publish", forged)).toThrow(/signature/);
    const replaced = await hash(version).getAttribute("title");
    await back(version).click();
    await expect(runs(version + 1)).toBeVisible();
    await expect(set(version + 1)).toContainText(t("ops.modules.undoes", { n: version, who: "Sato" }));
    expect(await hash(version + 1).getAttribute("title")).not.toBe(replaced);
    await expect(back(version)).toHaveCount(0);

    atTheCore("modules", "publish", signed(folder, key, version + 3, broken));
    const refusal = set(version + 3).getByRole("alert");
    await expect(refusal).toContainText(t("ops.refusal.start"));
    await expect(refusal).toContainText(t("ops.refusal.stays"));
    await looked(page, `5-35-refused-${language}`);
    await refusal.getByRole("link").click();
    const runsNow = page.getByText(t("ops.edge.modules"), { exact: true }).locator("..");
    await expect(runsNow).toContainText(`${version + 1}`);
    await page.goBack();
    await back(version + 3).click();
    await expect(runs(version + 4)).toBeVisible();
    await expect(page.getByRole("alert")).toHaveCount(0);
    await looked(page, `5-35-rolled-back-${language}`);
    const led = await done();
    expect(led.elsewhere).toEqual([]);
    expect(led.on).toBeGreaterThan(50);
    rmSync(folder, { recursive: true });
  });

const modules = names.map((name, n) => ({
  name,
  version: `1.4.${n}`,
  sha256: `${n}`.repeat(64),
}));

const rolledOut = {
  signing_key: true,
  edges: 3,
  built_in: 1,
  sets: [
    {
      version: 4,
      state: "live",
      made_at: "2026-11-27T03:00:00Z",
      published_at: "2026-11-27T03:10:00Z",
      can_roll_back: true,
      live: 2,
      refused: [
        {
          edge_id: "edg_1",
          name: "Osaka 1",
          reason: "test",
          detail: "the module redirect does not refuse an unknown path",
        },
      ],
      modules,
    },
    {
      version: 2,
      state: "replaced",
      made_at: "2026-11-20T03:00:00Z",
      published_at: "2026-11-20T03:10:00Z",
      by: "Sato",
      can_roll_back: false,
      live: 0,
      refused: [],
      modules,
    },
  ],
};

for (const [language, width] of [
  ["en", 1440],
  ["ja", 390],
] as const)
  test(`5.35 operators' pages have no axe findings: ${language}, ${width} px`, { tag: "@reads" }, async ({
    page,
  }) => {
    test.setTimeout(180_000); // nine screens, each looked at by axe
    await page.setViewportSize({ width, height: 900 });
    await signInOperator(page, language);
    const look = async (name: string) => {
      await page.waitForLoadState("networkidle");
      await accessible(page, name);
      await fits(page, name);
      if (pictures)
        await page.screenshot({ path: `${pictures}/5-35-${name}-${language}-${width}.png`, fullPage: true });
    };
    await look("overview");
    await page.goto("/ops/edges");
    const edge = page.getByRole("main").locator('a[href^="/ops/edges/edg_"]').first();
    await expect(edge).toBeVisible();
    await look("edges");
    await edge.click();
    await expect(page.getByRole("heading", { level: 2, name: /^(Events|イベント)$/ })).toBeVisible();
    await look("edge");
    await page.goto("/ops/merchants");
    await expect(page.getByText(/Hana/).first()).toBeVisible();
    await look("merchants");
    let answer: object = { signing_key: false, edges: 3, built_in: 3, sets: [] };
    await page.route("**/api/v1/ops/modules", (route) => route.fulfill({ json: answer }));
    await page.goto("/ops/modules");
    await expect(
      page.getByText(/No set was published yet|公開されたモジュールはまだありません/),
    ).toBeVisible();
    await look("modules-none");
    answer = rolledOut;
    await page.goto("/ops/modules");
    await expect(page.getByText(/Osaka 1 refused it|Osaka 1が拒否しました/)).toBeVisible();
    await expect(
      page.getByText(/A module fails the test before it may decide|稼働前のテストに合格しないモジュール/),
    ).toBeVisible();
    await look("modules");
    await page.route("**/api/v1/ops/edges/edg_2", (route) => route.fulfill({ json: refusing }));
    await page.goto("/ops/edges/edg_2");
    await expect(
      page.getByText(/It is not signed with the key|このエッジが信頼するキーで署名されていません/).first(),
    ).toBeVisible();
    await look("edge-refusing");
    await page.route("**/api/v1/ops/edges", (route) =>
      route.fulfill({ json: { items: [silent], total: 1 } }),
    );
    await page.goto("/ops/edges");
    await expect(page.getByText(/No contact for 20 min|20分間通信がありません/)).toBeVisible();
    await look("edges-silent");
    await page.route("**/api/v1/ops", (route) => route.abort());
    await page.goto("/ops");
    await expect(page.getByRole("alert")).toBeVisible();
    await look("overview-error");
  });

const silent = {
  id: "edg_2",
  name: "Tokyo 2",
  state: "silent",
  trouble: [],
  merchants: 0,
  version: "1.4.2",
  created_at: "2026-11-20T03:00:00Z",
  last_contact_at: "2026-11-27T03:00:00Z",
  silent_seconds: 1200,
  behind_seconds: 1180,
  waiting_events: 48213,
  oldest_seconds: 1190,
  events_per_second: 0,
  events: Array.from({ length: 60 }, (_, n) => (n < 40 ? n * 20 : 0)),
  modules_version: 4,
  disk_bytes: 3_900_000,
  disk_limit: 1_073_741_824,
};

const refusing = {
  ...silent,
  state: "needs_you",
  trouble: ["modules"],
  silent_seconds: 0,
  merchants: 2,
  scope: [
    { id: "mer_1", name: "Hana Tea", slug: "hana-tea" },
    { id: "mer_2", name: "海風", slug: "umikaze" },
  ],
  modules_reason: "signature",
  modules_detail: "The manifest's signature is not ours.",
  set_aside: ["rejected", "malformed", "damaged", "failed", "unreadable"].map((reason, n) => ({
    reason,
    n: n + 1,
    last_at: "2026-11-27T02:30:00Z",
  })),
  history: [],
  log: [
    {
      id: "evt_2",
      at: "2026-11-27T03:00:00Z",
      action: "modules_refused",
      data: { version: 0, reason: "signature", detail: "The manifest's signature is not ours." },
    },
    {
      id: "evt_1",
      at: "2026-11-27T02:00:00Z",
      action: "modules_refused",
      data: { version: 3, reason: "start", detail: "module redirect: it lacks its exports" },
    },
  ],
};
