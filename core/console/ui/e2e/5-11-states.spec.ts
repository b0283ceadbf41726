import { expect, type Page, test } from "@playwright/test";
import type { components } from "../src/api/schema.d.ts";
import { looked, signIn, sizes } from "./console";
import { asMember, type Items } from "./sim";
import { say } from "./words";

// Each screen about connecting, linking and friends in the states that a demo shop never shows:
// loading, failed, empty and very large, in English on a desk and in Japanese on a phone. What
// the core answers is made empty or enlarged on its way; the pages are as they ship.

type Schema<K extends keyof components["schemas"]> = components["schemas"][K];
type Body = Record<string, unknown> & { items?: unknown[] };

type Screen = {
  name: string;
  path: string; // below the LINE account, or with ~ below the shop
  call: string; // what it is made of, by the end of its address
  title: string; // its first heading
  failed: string;
  empty?: string; // what it says when there is nothing
  nothing?: (body: Body) => Body; // when that is not an empty list
  counted?: boolean; // says how many there are in all
  row?: unknown; // one row, where the demo's shop has none
};

const at = "2026-11-24T01:02:03Z";
const ulid = "01k9zzzzzzzzzzzzzzzzzzzzzz";
const run: Schema<"RunView"> = {
  id: ulid,
  channel: `chn_${ulid}`,
  kind: "import_check",
  state: "done",
  running_seconds: 900,
  done: 500_000,
  total: 500_000,
  problems: 1234,
  counts: { will_link: 480_000, malformed: 1234 },
  started_by: "owner",
  created_at: at,
  started_at: at,
  ended_at: at,
};
const imported: Schema<"ImportView"> = {
  id: ulid,
  kind: "import_check",
  segment_name: "Old tool",
  property: "LINE User ID",
  email: false,
  phone: false,
  doubtful: false,
  may_link: true,
  may_undo: false,
  check: run,
};
const review: Schema<"ReviewItemView"> = {
  id: ulid,
  kind: "two_profiles",
  method: "qr",
  since: at,
  profile_id: "01K",
  friend: { id: `frd_${ulid}`, name: "Nao" },
};
const form: Schema<"FormView"> = {
  id: `frm_${ulid}`,
  name: "Newsletter",
  state: "live",
  shows: "both",
  script_url: "https://edge.example/f/abc.js",
  origins: ["https://shop.example"],
  submitted: 9,
  shown: 8,
  tapped: 7,
  linked: 6,
  page_state: "found",
  created_at: at,
};
const kept: Schema<"KeptView"> = {
  id: ulid,
  channel: `chn_${ulid}`,
  kind: "profile",
  profile_id: "01K",
  problem: "bad_phone",
  occurred_at: at,
  kept_since: at,
};
const tag: Schema<"TagView"> = {
  id: `tag_${ulid}`,
  name: "VIP",
  color: 1,
  friends: 9,
  by_hand: 5,
  by_qr_code: 4,
};

const screens: Screen[] = [
  {
    name: "5-3-connections",
    path: "~/settings/connections",
    call: "/connections$",
    title: "connection.title",
    failed: "connection.failed",
    empty: "connection.line.why",
    nothing: ({ edges }) => ({ edges, line: [] }),
  },
  {
    name: "5-3-klaviyo",
    path: "~/settings/klaviyo",
    call: "/klaviyo$",
    title: "connection.klaviyo.title",
    failed: "connection.failed",
  },
  {
    name: "5-6-codes",
    path: "/linking/qr",
    call: "/qr_codes$",
    title: "linking.codes.title",
    failed: "linking.failed",
    empty: "linking.codes.empty",
  },
  {
    name: "5-7-forms",
    path: "/linking/forms",
    call: "/forms$",
    title: "linking.forms.title",
    failed: "linking.failed",
    empty: "linking.forms.empty",
    row: form,
  },
  {
    name: "5-8-imports",
    path: "/linking/import",
    call: "/imports$",
    title: "linking.import.title",
    failed: "linking.failed",
    empty: "linking.import.none",
    row: imported,
  },
  {
    name: "5-9-automatic",
    path: "/linking/auto",
    call: "/automatic$",
    title: "linking.auto.title",
    failed: "linking.failed",
  },
  {
    name: "5-10-review",
    path: "/linking/review",
    call: "/review[?]",
    title: "linking.review.title",
    failed: "linking.failed",
    empty: "linking.review.none",
    row: review,
  },
  {
    name: "5-11-health",
    path: "/linking",
    call: "/channels/[^/]+/linking$",
    title: "linking.title",
    failed: "linking.failed",
    empty: "linking.start.qr",
    nothing: (body) => ({ ...body, reachable: 0, linked: 0, review: 0, methods: [] }),
  },
  {
    name: "5-12-friends",
    path: "/friends",
    call: "/friends/search$",
    title: "menu.friends",
    failed: "friend.failed",
    empty: "friend.empty",
    counted: true,
  },
  {
    name: "5-13-friend",
    path: "/friends/{friend}",
    call: "/friends/frd_[^/]+$",
    title: "menu.friend",
    failed: "friend.failed",
  },
  {
    name: "5-14-tags",
    path: "/tags",
    call: "/tags$",
    title: "menu.tags",
    failed: "tag.failed",
    empty: "tag.none",
    row: tag,
  },
  {
    name: "5-19-kept",
    path: "/linking/kept",
    call: "/klaviyo/kept[?]",
    title: "linking.kept.title",
    failed: "linking.failed",
    empty: "linking.kept.none",
    row: kept,
  },
  {
    name: "5-31-consent",
    path: "/settings/consent",
    call: "/consent$",
    title: "menu.consent",
    failed: "consent.failed",
    empty: "consent.rule",
    nothing: (body) => ({ ...body, given: 0, withdrawn: 0, unknown: 0, changed_at: undefined }),
  },
];

const long = "とても長い名前 Maximiliane-Alexandra von Hohenstein-Wittgenstein 三世";
const fixed = /^(color|goal_percent|number|version|order|seq)$/;

// enlarged makes the numbers, names and lists of an answer as large as they get.
function enlarged(value: unknown, key = ""): unknown {
  if (typeof value === "number") return fixed.test(key) ? value : value * 100_000 + 1_234_567;
  if (typeof value === "string") return key === "name" || key === "segment_name" ? long : value;
  if (Array.isArray(value)) return value.map((v) => enlarged(v, key));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, enlarged(v, k)]));
}

function large(body: Body, row?: unknown): unknown {
  if (!body.items) return enlarged(body);
  const one = (enlarged(body.items[0] ?? row) ?? {}) as { id?: string };
  const numbered = (n: number) => ({ ...one, id: `${one.id?.slice(0, -2)}${String(n).padStart(2, "0")}` });
  const items = Array.from({ length: 50 }, (_, n) => numbered(n));
  return { ...body, items, next: "more", total: 1_000_000 };
}

const nothingOf = (s: Screen, body: Body) =>
  s.nothing?.(body) ?? { ...body, items: [], total: 0, next: undefined };

// answering has the core's answers to a call changed on their way to the page.
async function answering(page: Page, call: RegExp, change: (body: Body) => unknown) {
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.route(call, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: change((await answer.json()) as Body) });
  });
}

for (const language of ["en", "ja"] as const) {
  const t = say(language);

  for (const s of screens)
    test(`states of ${s.name}: ${language}`, { tag: "@reads" }, async ({ page }) => {
      await page.setViewportSize(sizes[language]);
      const home = await signIn(page, language);
      const some = await asMember<Items<{ id: string }>>(page, "/friends?limit=1");
      const path = s.path.replace("{friend}", some.items[0]?.id ?? "");
      const address = path.startsWith("~") ? home.replace(/\/oa\/.*$/, path.slice(1)) : home + path;
      const call = new RegExp(`/api/v1/.*${s.call}`); // of the API, not the page's own address
      const alert = page
        .getByRole("main")
        .getByRole("alert")
        .filter({ hasText: t(s.failed) });

      await test.step("loading", async () => {
        let release = () => {};
        const held = new Promise<void>((done) => {
          release = done;
        });
        await page.route(call, async (route) => {
          await held;
          await route.fallback();
        });
        await page.goto(address);
        await expect(page.getByRole("main").getByTestId("loading").first()).toBeVisible();
        await expect(page.getByText(t("common.slow")).first()).toBeVisible();
        await expect(page.getByRole("heading", { level: 1 })).toHaveText(t(s.title));
        await looked(page, `${s.name}-loading-${language}`);
        release();
      });

      await test.step("failed, and tried again", async () => {
        await page.unrouteAll({ behavior: "ignoreErrors" });
        await page.route(call, (route) => route.fulfill({ status: 503, body: "{}" }));
        await page.goto(address);
        await expect(alert.first()).toBeVisible();
        await looked(page, `${s.name}-failed-${language}`);
        // By keyboard, since live news may mend the page before a mouse would be there.
        await alert
          .first()
          .getByRole("button", { name: t("common.again") })
          .focus();
        await page.unrouteAll({ behavior: "ignoreErrors" });
        await page.keyboard.press("Enter");
        await expect(alert).toBeHidden();
      });

      await test.step("empty", async () => {
        if (!s.empty) return;
        await answering(page, call, (body) => nothingOf(s, body));
        await page.goto(address);
        await expect(page.getByRole("main").getByText(t(s.empty)).first()).toBeVisible();
        await looked(page, `${s.name}-empty-${language}`);
      });

      await test.step("large", async () => {
        await answering(page, call, (body) => large(body, s.row));
        await page.goto(address);
        await expect(page.getByRole("main").getByTestId("loading")).toHaveCount(0);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        if (s.counted)
          await expect(page.getByText(t("common.total", { n: "1,000,000" })).first()).toBeVisible();
        await looked(page, `${s.name}-large-${language}`);
      });
    });
}
