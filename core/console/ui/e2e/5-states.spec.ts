import { sizes } from "./console";
import { asMember, type Items } from "./sim";
import { showStates, test } from "./states";

// Each screen of messages, flows, statistics and sending while it loads, when nothing is there,
// when it cannot be loaded, and with far more than a seeded shop has (UX 4.3 to 4.5, 4.16).

type Json = Record<string, unknown>;
type Screen = {
  name: string;
  path: string; // {id} is that of the first row of the list
  list?: string; // which list
  call: string; // what the screen reads, below the LINE account
  failed: string; // the sentence when that fails
  none?: [answer: (real: Json) => Json, sentence: string];
  many?: (real: Json) => Json;
};

const endless = "季節限定の抹茶ギフトセットのご案内 a name without any end";

// texts are as many messages as LINE takes at once, each as long as a text may be.
const texts = Array.from({ length: 5 }, (_, i) => ({ type: "text", text: `${i} `.padEnd(5000, "long ") }));

const noItems = (real: Json) => ({ ...real, items: [], total: 0 });

// long has a hundred copies of the first row, with a name that is as long as names get.
const long = (real: Json) => {
  const [first] = real.items as Json[];
  const items = Array.from({ length: 100 }, (_, i) => ({
    ...first,
    id: `${String(first?.id ?? "").slice(0, -3)}${String(i).padStart(3, "0")}`,
    name: `${first?.name ?? ""} ${endless} ${i}`,
  }));
  return { ...real, items, total: 1_000_000, next: "more" };
};

// numbers changes every number of an answer.
const numbers = (real: unknown, how: (n: number) => number): unknown => {
  if (typeof real === "number") return how(real);
  if (Array.isArray(real)) return real.map((one) => numbers(one, how));
  if (real && typeof real === "object")
    return Object.fromEntries(Object.entries(real).map(([k, v]) => [k, numbers(v, how)]));
  return real;
};
const large = (real: unknown) => numbers(real, (n) => Math.round(n * 99_999));
const zero = (real: unknown) => numbers(real, () => 0);

const screens: Screen[] = [
  {
    name: "5-16-messages",
    path: "/messages",
    call: "/messages?*",
    failed: "message.failed",
    none: [noItems, "message.empty"],
    many: long,
  },
  {
    name: "5-16-editor",
    path: "/messages/{id}",
    list: "/messages?limit=1",
    call: "/messages/msg_*",
    failed: "message.failed",
    many: (real) => ({
      ...real,
      name: `${real.name} ${endless}`,
      draft: { ...(real.draft as Json), blocks: texts.map((one) => JSON.stringify(one)) },
    }),
  },
  {
    name: "5-16-versions",
    path: "/messages/{id}/versions",
    list: "/messages?limit=1",
    call: "/messages/msg_*/versions",
    failed: "message.failed",
    none: [noItems, "message.never"],
    many: (real) => {
      const [first] = real.items as Json[];
      const items = Array.from({ length: 60 }, (_, i) => ({
        ...first,
        version: 60 - i,
        name: `${first?.name} ${endless}`,
        messages: JSON.stringify(texts),
        sends: 4_812_345,
      }));
      return { ...real, items };
    },
  },
  {
    name: "5-34-tracking",
    path: "/settings/tracking",
    call: "",
    failed: "tracking.failed",
    many: (real) => ({
      ...real,
      utm: { source: "x".repeat(100), medium: "x".repeat(100), campaign: "x".repeat(100) },
    }),
  },
  {
    name: "5-20-request",
    path: "/flows/requests/{id}",
    list: "/flow_requests?limit=1",
    call: "/flow_requests/*",
    failed: "flow.failed",
    many: (real) => ({ ...real, repeats: 999_999, messages: texts }),
  },
  {
    name: "5-19-doctor",
    path: "/flows",
    call: "/flow_requests?*",
    failed: "flow.failed",
    none: [noItems, "flow.doctor.empty"],
    many: long,
  },
  {
    name: "5-18-settings",
    path: "/flows/settings",
    call: "/flow_settings",
    failed: "flow.settings.notLoaded",
    many: (real) => ({
      ...real,
      keys: (real.keys as Json[]).map((k) => ({ ...k, accepted_24h: 4_812_345 })),
    }),
  },
  {
    name: "5-19-kept",
    path: "/flows/kept",
    call: "/kept_deliveries",
    failed: "flow.kept.failed",
    none: [noItems, "flow.kept.noMessages"],
  },
  {
    name: "5-32-statistics",
    path: "/statistics",
    call: "/statistics?*",
    failed: "statistics.failed",
    none: [(real) => zero(real) as Json, "statistics.empty"],
    many: (real) => large(real) as Json,
  },
  {
    name: "5-32-people",
    path: "/statistics/people/clicked",
    call: "/statistics/people?*",
    failed: "statistics.failed",
    none: [noItems, "statistics.people.none"],
    many: (real) => {
      const all = long(real);
      const items = all.items.map(({ id, name, ...one }) => ({
        ...one,
        friend: { id: `frd_${id}`, name: `${(one as { friend?: Json }).friend?.name} ${name}` },
        count: 4_812_345,
      }));
      return { ...all, items };
    },
  },
  {
    name: "5-33-quota",
    path: "/quota",
    call: "/quota",
    failed: "delivery.quota.failed",
    none: [(real) => ({ ...real, days: [], sent: 0 }), "delivery.quota.nothing"],
    many: (real) => ({
      ...real,
      unlimited: false,
      limit: 1_000_000,
      used: 1_000_123,
      left: 0,
      left_for_broadcasts: 0,
      reserve: 100_000,
      forecast: 1_400_000,
      used_up: true,
      waiting: 4000,
      waiting_broadcasts: 196_000,
    }),
  },
  { name: "5-34-rules", path: "/settings/sending", call: "/sending/rules", failed: "delivery.rules.failed" },
  {
    name: "5-21-replies",
    path: "/replies",
    call: "/replies",
    failed: "reply.failed",
    none: [(real) => ({ ...real, rules: [] }), "reply.noKeywords"],
  },
];

for (const language of ["en", "ja"] as const)
  for (const s of screens)
    test(`4 while it loads, with nothing, with an error, with very much: ${s.name}, ${language}`, {
      tag: "@reads",
    }, async ({ page, home }) => {
      await page.setViewportSize(sizes[language]);
      const [first] = s.list ? (await asMember<Items<{ id: string }>>(page, s.list)).items : [];
      const address = home + s.path.replace("{id}", first?.id ?? "");
      await showStates(page, language, {
        name: s.name,
        address,
        call: `**/api/v1/merchants/*/channels/*${s.call}`,
        failed: s.failed,
        large: s.many ?? ((real) => real),
        empty: s.none && { of: s.none[0], sentence: s.none[1], address },
      });
    });
