import type { Page } from "@playwright/test";
import type { components } from "../src/api/schema.d.ts";
import { sizes } from "./console";
import { asMember, type Items } from "./sim";
import { type Body, showStates, test } from "./states";

// Each screen about connecting, linking and friends in the states that a demo shop never shows,
// in English on a desk and in Japanese on a phone.

type Schema<K extends keyof components["schemas"]> = components["schemas"][K];

type Screen = {
  name: string;
  path: string; // below the LINE account, or with ~ below the shop; {list} is the first of one
  call: string; // what it is made of, by the end of its address
  title: string; // its first heading
  failed: string;
  empty?: string; // what it says when there is nothing
  nothing?: (body: Body) => Body; // when that is not an empty list
  counted?: boolean; // says how many there are in all
  row?: unknown; // one row, where the demo's shop has none
  one?: true | Body; // a single thing: the shop's own, or this one where it has none
  bare?: string; // the path where nothing was chosen yet
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
const linked: Schema<"ImportView"> = {
  ...imported,
  doubtful: true,
  may_link: false,
  may_undo: true,
  undo_until: at,
  link: { ...run, kind: "import_link", counts: { linked: 470_000, kept: 12, review: 345 } },
};
const review: Schema<"ReviewItemView"> = {
  id: ulid,
  kind: "two_profiles",
  method: "qr",
  since: at,
  profile_id: "01K",
  friend: { id: `frd_${ulid}`, name: "Nao" },
};
const side = (profile: string, n: number): Schema<"SideView"> => ({
  profile_id: profile,
  name: "Nao",
  email: `${"very.long.name".repeat(5)}+${n}@customer-with-a-long-name.example`,
  phone: "+819012345678",
  friend: { id: `frd_${ulid}`, name: "Nao" },
  follow_status: "following",
  method: "qr",
  assurance: "proven",
  linked: n === 1,
  gone: false,
  unread: n === 2,
  since: at,
  last_order_at: at,
  last_seen_at: at,
});
const compared: Schema<"ComparisonView"> = {
  id: `evt_${ulid}`,
  kind: "two_profiles",
  method: "qr",
  since: at,
  profile_id: "01K",
  friend: { id: `frd_${ulid}`, name: "Nao" },
  first: side("01K", 1),
  second: side("01L", 2),
  recommended: "use_first",
  reason: "surer",
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

const key: Schema<"APIKeyView"> = {
  id: `key_${ulid}`,
  name: "Report",
  last4: "9zZ_",
  rights: { friends: "read", linking: "manage", messages: "write" },
  channels: [],
  created_at: at,
  expires_at: at,
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
    name: "5-4-line",
    path: "~/settings/line?step=preflight",
    call: "/preflight$",
    title: "connection.line.title",
    failed: "connection.failed",
    empty: "connection.line.need.account",
    bare: "~/settings/line",
    one: true,
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
    name: "5-6-code",
    path: "/linking/qr/{qr_codes}",
    call: "/qr_codes/qrc_[^/]+(/days.*)?$",
    title: "linking.codes.title",
    failed: "linking.failed",
    empty: "linking.codes.noScans",
    nothing: (body) => (body.items ? { items: [] } : { ...body, scans: 0, friends: 0, linked: 0 }),
    one: true,
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
    name: "5-7-form",
    path: `/linking/forms/${form.id}`,
    call: `/forms/${form.id}$`,
    title: "linking.forms.title",
    failed: "linking.failed",
    one: form,
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
    name: "5-8-import",
    path: `/linking/import/${linked.id}`,
    call: `/imports/${linked.id}$`,
    title: "linking.import.title",
    failed: "linking.failed",
    one: linked,
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
    name: "5-10-item",
    path: `/linking/review/${compared.id}`,
    call: `/review/${compared.id}$`,
    title: "linking.review.title",
    failed: "linking.failed",
    one: compared,
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
    path: "/friends/{friends}",
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
  {
    name: "5-36-keys",
    path: "~/settings/api-keys",
    call: "/api_keys$",
    title: "menu.apiKeys",
    failed: "apikey.failed",
    empty: "apikey.none",
    row: key,
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

function large(body: Body, s: Screen): unknown {
  if (!body.items || s.one) return enlarged(body);
  const one = (enlarged(body.items[0] ?? s.row) ?? {}) as { id?: string };
  const numbered = (n: number) => ({ ...one, id: `${one.id?.slice(0, -2)}${String(n).padStart(2, "0")}` });
  const items = Array.from({ length: 50 }, (_, n) => numbered(n));
  return { ...body, items, next: "more", total: 1_000_000 };
}

const nothingOf = (s: Screen, body: Body) =>
  s.nothing?.(body) ?? { ...body, items: [], total: 0, next: undefined };

// addressOf puts in the id of what a path names.
async function addressOf(page: Page, home: string, path: string): Promise<string> {
  const list = /\{(\w+)\}/.exec(path)?.[1];
  const all = list ? await asMember<Items<{ id: string }>>(page, `/${list}?limit=1`) : undefined;
  const named = path.replace(`{${list}}`, all?.items[0]?.id ?? "");
  return named.startsWith("~") ? home.replace(/\/oa\/.*$/, named.slice(1)) : home + named;
}

for (const language of ["en", "ja"] as const) {
  for (const s of screens)
    test(`states of ${s.name}: ${language}`, { tag: "@reads" }, async ({ page, home }) => {
      await page.setViewportSize(sizes[language]);
      const address = await addressOf(page, home, s.path);
      await showStates(page, language, {
        name: s.name,
        address,
        call: new RegExp(`/api/v1/.*${s.call}`), // of the API, not the page's own address
        failed: s.failed,
        title: s.title,
        own: typeof s.one === "object" ? s.one : undefined,
        large: (body) => large(body, s),
        counted: s.counted,
        empty: s.empty
          ? {
              sentence: s.empty,
              of: (body) => nothingOf(s, body),
              address: s.bare ? await addressOf(page, home, s.bare) : address,
            }
          : undefined,
      });
    });
}
