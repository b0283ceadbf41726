import { expect, test } from "@playwright/test";
import type { components } from "../src/api/schema.d.ts";
import { signIn, sizes } from "./console";
import { say } from "./words";

// The answers about connecting, linking, consent, flows, opens, clicks and revenue stand where
// their questions come up, in both languages. docs/faq.md lists them with what else shows them.

type Schema<K extends keyof components["schemas"]> = components["schemas"][K];

// Some questions come up only when something is wrong: the answer to one call, made so.
type Wrong = { call: RegExp; body: (answered: object) => object };

const waiting = 2;
const reconnect: Wrong = {
  call: /\/klaviyo$/,
  body: (is) =>
    ({ ...is, state: "reconnect", waiting_updates: waiting }) satisfies Partial<Schema<"KlaviyoView">>,
};

const answers: [question: string, path: string, texts: string[], wrong?: Wrong][] = [
  [
    "which permission and plan",
    "~/settings/klaviyo?step=who",
    ["connection.klaviyo.who", "connection.klaviyo.plan"],
  ],
  [
    "from a campaign",
    "~/settings/klaviyo?step=who",
    ["connection.klaviyo.campaignAsk", "connection.klaviyo.campaign"],
  ],
  [
    "which data",
    "~/settings/klaviyo?step=accounts",
    ["connection.klaviyo.names", "connection.klaviyo.nothingIn"],
  ],
  ["the 90 days", "~/settings/klaviyo?step=approve", ["connection.klaviyo.alive"]],
  [
    "reconnect",
    "~/settings/klaviyo?step=approve",
    ["connection.state.reconnect", "connection.klaviyo.reconnect", "connection.klaviyo.goAgain"],
    reconnect,
  ],
  ["several LINE accounts", "~/settings/connections", ["connection.line.more"]],
  ["people who are not linked", "/linking", ["linking.whyLinked"]],
  ["ending a link", "/linking", ["linking.unlink.lead"]],
  ["a QR code in an email", "/linking/qr", ["linking.codes.lead"]],
  ["is an email in the link safe", "/linking/qr/new", ["linking.by.profileText", "linking.by.profile"]],
  ["after a form", "/linking/forms", ["linking.forms.lead"]],
  ["existing LINE IDs", "/linking/import", ["linking.import.lead", "linking.import.far"]],
  ["by email or phone", "/linking/auto", ["linking.auto.rule", "linking.auto.checkFirst"]],
  ["two answers", "/linking/review", ["linking.review.lead"]],
  ["LINE consent", "/settings/consent", ["consent.rule", "consent.promise", "consent.update"]],
  ["refused by Klaviyo", "/linking/kept", ["linking.kept.lead"]],
  ["LINE from a flow", "/flows/settings", ["flow.settings.lead", "flow.getJson.hidden"]],
  ["a flow set up for me", "/flows/library", ["flow.library.lead"]],
  ["late messages", "/flows", ["flow.doctor.lead"]],
  [
    "nothing arrives",
    "/flows",
    ["flow.checklist.title", "flow.checklist.linked", "flow.checklist.live", "flow.checklist.key"],
  ],
  ["events that are hours old", "/settings/sending", ["delivery.rules.lateWhat"]],
  ["the month is used up", "/quota", ["delivery.quota.reserveWhy", "delivery.quota.told"]],
  ["do replies cost", "/replies", ["reply.lead"]],
  ["is an open a Read", "/statistics/rules", ["statistics.rule.opened", "statistics.rule.line"]],
  [
    "what is a click",
    "/statistics/rules",
    [
      "statistics.rule.clicks",
      "statistics.rule.clickers",
      "statistics.rule.machines",
      "statistics.rule.suspect",
    ],
  ],
  ["opens can be switched off", "/settings/tracking", ["tracking.opensHow", "tracking.utmHow"]],
  ["Klaviyo's revenue", "/statistics", ["statistics.sales"]],
];

for (const language of ["en", "ja"] as const) {
  const t = say(language);

  test(`each answer stands where its question comes up: ${language}`, { tag: "@reads" }, async ({ page }) => {
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    for (const [question, path, texts, wrong] of answers) {
      if (wrong)
        await page.route(wrong.call, async (route) => {
          const answer = await route.fetch();
          await route.fulfill({ response: answer, json: wrong.body(await answer.json()) });
        });
      await page.goto(path.startsWith("~") ? home.replace(/\/oa\/.*$/, path.slice(1)) : home + path);
      for (const text of texts)
        await expect(page.getByText(t(text, { n: waiting })).first(), `${question}: ${text}`).toBeVisible();
      if (wrong) await page.unrouteAll({ behavior: "ignoreErrors" });
    }
  });
}
