import { mkdirSync } from "node:fs";
import { expect, type Page, type Route, test } from "@playwright/test";
import en from "../locales/en/common.json" with { type: "json" };
import { accessible, fits, pictures, signIn } from "./console";

// Each screen as a marketer may meet it (UX 4.16): full, empty, loading, failed, large; wide,
// dark and on a phone. Without LUMO_E2E_OUT only the full ones are looked at, by axe and for
// what scrolls sideways or was not translated; with it all are photographed for people.

type Screen = {
  section: string;
  path: string; // below the LINE account's screens; "shop:" begins one of the shop
  reads?: string; // what it cannot do without: a part of the API's address
  none?: (full: Json) => Json; // the same answer with nothing in it
  many?: (full: Json) => Json; // the same answer with much in it
  heading?: RegExp;
};
type Json = Record<string, unknown> & { items?: Json[] };

const nothing = (full: Json): Json => ({ ...full, items: [], total: 0, next: undefined });
const long = "Hanako Yamamoto-Fitzgerald of the Very Long Department for Seasonal Matcha Campaigns";
const much = (full: Json): Json => ({
  ...full,
  total: 1_000_000,
  next: "more",
  items: Array.from({ length: 50 }, (_, i) => ({
    ...full.items?.[i % (full.items.length || 1)],
    id: `row-${i}`,
    friend: { id: "frd_00000000000000000000000000", name: long },
  })),
});

const screens: Screen[] = [
  {
    section: "5-2-home",
    path: "",
    reads: "/home",
    none: (full) => ({ ...full, feed: [], attention: [], checklist: [] }),
  },
  {
    section: "5-3-connections",
    path: "shop:settings/connections",
    reads: "/connections",
    none: (full) => ({ ...full, line: [], klaviyo: undefined }),
    many: (full) => ({
      ...full,
      line: Array.from({ length: 12 }, (_, i) => ({
        ...((full.line as Json[])[0] ?? {}),
        id: `c${i}`,
        name: long,
        state: i % 2 ? "working" : "needs_you",
        problem_code: i % 2 ? undefined : "use_webhook",
      })),
    }),
  },
  {
    section: "5-3-klaviyo-rights",
    path: "shop:settings/klaviyo?step=rights",
    reads: "/klaviyo",
    none: (full) => ({ ...full, id: "", state: "off", name: "" }),
  },
  {
    section: "5-3-klaviyo-reconnect",
    path: "shop:settings/klaviyo?step=approve",
    reads: "/klaviyo",
    many: (full) => ({ ...full, state: "reconnect", waiting_updates: 1_204 }),
  },
  { section: "5-4-need", path: "shop:settings/line?step=need" },
  { section: "5-4-webhook", path: "shop:settings/line?step=webhook", reads: "/preflight" },
  {
    section: "5-4-preflight",
    path: "shop:settings/line?step=preflight",
    reads: "/preflight",
    none: (full) => ({
      rows: (full.rows as Json[]).map((r) => ({ ...r, state: "unknown", known_by: "you", detail: {} })),
    }),
    many: (full) => ({
      rows: (full.rows as Json[]).map((r) => ({
        ...r,
        state: ["keys", "provider", "webhook_url", "use_webhook"].includes(r.code as string)
          ? "bad"
          : "warning",
        detail: { host: "hooks.another-tool.example", left: 12, limit: 200, set: true },
      })),
    }),
  },
  { section: "5-4-scan", path: "shop:settings/line?step=scan", reads: "/preflight" },
  { section: "5-13-friend", path: "friends/FRIEND", reads: "/timeline", none: nothing },
  { section: "5-18-flow-settings", path: "flows/settings", reads: "/flow_settings" },
  { section: "5-19-flow-doctor", path: "flows", reads: "/flow_requests", none: nothing, many: much },
  { section: "5-20-flow-request", path: "flows/requests/REQUEST", reads: "/flow_requests/" },
];

type Look = { name: string; language: string; width: number; dark: boolean };
const looks: Look[] = pictures
  ? [
      { name: "1440-en-light", language: "en", width: 1440, dark: false },
      { name: "1440-ja-dark", language: "ja", width: 1440, dark: true },
      { name: "390-ja", language: "ja", width: 390, dark: false },
    ]
  : [
      { name: "1440-en-light", language: "en", width: 1440, dark: false },
      { name: "360-ja-dark", language: "ja", width: 360, dark: true },
    ];
const states = pictures ? (["full", "empty", "loading", "error", "large"] as const) : (["full"] as const);

// Keys of texts begin with a capability and a dot; nobody should ever read one.
const prefixes = new Set(
  [...Object.keys(en), "connection.", "flow.", "friend.", "reason."].map((k) => k.split(".")[0]),
);
const key = new RegExp(`(^|\\s)(${[...prefixes].join("|")})\\.[a-zA-Z_]+(\\.|\\s|$)`, "m");

async function translated(page: Page, what: string) {
  const text = await page.locator("body").innerText();
  expect(text.match(key)?.[0] ?? "", `${what} shows a key`).toBe("");
}

// places fills in a friend and a call of the story.
async function places(page: Page, base: string): Promise<(path: string) => string> {
  const shop = base.replace(/\/oa\/.*$/, "");
  await page.goto(`${base}/flows?outcome=accepted`);
  const request = await page.locator('a[href*="/flows/requests/"]').first().getAttribute("href");
  await page.goto(`${base}/friends?linked=yes`);
  const friend = await page.locator('a[href*="/friends/frd_"]').first().getAttribute("href");
  return (path) => {
    if (path.startsWith("shop:")) return `${shop}/${path.slice(5)}`;
    if (path.endsWith("REQUEST")) return request ?? "";
    if (path.endsWith("FRIEND")) return friend ?? "";
    return path ? `${base}/${path}` : base;
  };
}

// answer has the API answer as the state needs it; nothing reaches the core but for reading.
function answer(screen: Screen, state: string) {
  const change = state === "empty" ? screen.none : screen.many;
  return async (route: Route) => {
    if (route.request().method() !== "GET") return route.fallback();
    if (state === "loading") return; // never answered; the page is left open
    if (state === "error")
      return route.fulfill({
        status: 503,
        contentType: "application/problem+json",
        body: JSON.stringify({
          status: 503,
          kind: "unavailable",
          detail: "",
          request: "req_00000000000000000000000000",
        }),
      });
    const real = await route.fetch();
    await route.fulfill({ response: real, json: change?.((await real.json()) as Json) });
  };
}

const fits4 = (screen: Screen, state: string) =>
  state === "full" ||
  (screen.reads &&
    (state === "loading" || state === "error" || !!(state === "empty" ? screen.none : screen.many)));

for (const look of looks)
  test(`4.16 screens of linking and flows: ${look.name}`, async ({ page }) => {
    test.setTimeout(pictures ? 600_000 : 120_000);
    if (pictures) mkdirSync(pictures, { recursive: true });
    await page.emulateMedia({ colorScheme: look.dark ? "dark" : "light", reducedMotion: "reduce" });
    await page.setViewportSize({ width: look.width, height: 900 });
    const base = await signIn(page, look.language);
    const at = await places(page, base);
    for (const screen of screens)
      for (const state of states) {
        if (!fits4(screen, state)) continue;
        const what = `${screen.section} ${state} ${look.name}`;
        const reads = `**/api/v1/**${screen.reads}*`;
        if (state !== "full") await page.route(reads, answer(screen, state));
        await page.goto(at(screen.path));
        if (state === "loading") await expect(page.getByTestId("loading").first(), what).toBeVisible();
        else if (state === "error") await expect(page.getByRole("alert").first(), what).toBeVisible();
        else {
          await expect(page.getByRole("heading", { level: 1 }), what).toBeVisible();
          await expect(page.getByTestId("loading"), what).toHaveCount(0);
        }
        await accessible(page, what);
        await fits(page, what);
        await translated(page, what);
        if (pictures)
          await page.screenshot({
            path: `${pictures}/${screen.section}-${state}-${look.name}.png`,
            fullPage: true,
          });
        if (state !== "full") await page.unrouteAll({ behavior: "ignoreErrors" });
      }
  });
