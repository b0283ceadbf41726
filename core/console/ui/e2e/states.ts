import { test as base, expect, type Page, type Route } from "@playwright/test";
import { slowAfter } from "../src/parts/Loading";
import { looked, signIn } from "./console";
import { say } from "./words";

// The states of a screen that a demo shop never shows: loading, failed, empty and very large.
// What the core answers is made empty or enlarged on its way; the pages are as they ship.

export type Body = Record<string, unknown> & { items?: unknown[] };

export type States = {
  name: string;
  address: string;
  call: string | RegExp; // what the screen is made of
  failed: string; // what it says when that fails
  title?: string; // its first heading
  own?: Body; // answered where the shop has no such thing
  large: (body: Body) => unknown;
  counted?: boolean; // says how many there are in all
  empty?: { sentence: string; of: (body: Body) => unknown; address: string };
};

// Looking at states changes nothing: one page, signed in once, visits all screens, and what it has
// loaded is at hand for the next. Its clock can be put forward, so that nobody waits.
export const test = base.extend<{ home: string }, { visitor: { page: Page; home?: string } }>({
  visitor: [
    async ({ browser }, use) => {
      const page = await browser.newPage({ baseURL: process.env.LUMO_E2E_URL });
      await page.clock.install();
      await use({ page });
      await page.close();
    },
    { scope: "worker" },
  ],
  page: ({ visitor }, use) => use(visitor.page),
  home: async ({ visitor }, use) => {
    visitor.home ??= await signIn(visitor.page, "en");
    await use(visitor.home);
  },
});

type Answer = (route: Route) => Promise<void>;

// reads tells a question from a change: what is searched for is no part of an address.
const reads = (route: Route) =>
  route.request().method() === "GET" || new URL(route.request().url()).pathname.endsWith("/search");

// answering has the answers to a call made here. They are asked for whenever news arrive, so
// that each moment has one way of answering, and the result changes it.
async function answering(page: Page, call: string | RegExp, first: Answer) {
  let answer = first;
  await page.route(call, (route) => (reads(route) ? answer(route) : route.fallback()));
  return (next: Answer) => {
    answer = next;
  };
}

// changed is what the core answers, or a thing of our own, made otherwise on its way.
const changed =
  (own: Body | undefined, how: (body: Body) => unknown): Answer =>
  async (route) => {
    if (own) return route.fulfill({ json: how(own) });
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: how((await answer.json()) as Body) });
  };

// failing is an answer that is not asked for again by the page itself.
const failing: Answer = (route) => route.fulfill({ status: 429, body: "{}" });

// showStates makes two visits: one waits, fails and is tried again, which brings the large
// answer; what is empty is a visit of its own.
export async function showStates(page: Page, language: "en" | "ja", s: States) {
  const t = say(language);
  const main = page.getByRole("main");
  const alert = main.getByRole("alert").filter({ hasText: t(s.failed) });
  let release = () => {};
  const held = new Promise<void>((done) => {
    release = done;
  });
  const answer = await answering(page, s.call, async (route) => {
    await held;
    await failing(route);
  });

  await test.step("loading", async () => {
    await page.addInitScript((l) => localStorage.setItem("lumo.language", l), language);
    await page.goto(s.address);
    await expect(main.getByTestId("loading").first()).toBeVisible();
    await page.clock.fastForward(slowAfter);
    await expect(
      page
        .getByText(t("common.slow"))
        .or(page.getByText(t("common.slowList")))
        .first(),
    ).toBeVisible();
    if (s.title) await expect(page.getByRole("heading", { level: 1 })).toHaveText(t(s.title));
    await looked(page, `${s.name}-loading-${language}`);
  });

  await test.step("failed", async () => {
    release();
    await expect(alert.first()).toBeVisible();
    await looked(page, `${s.name}-failed-${language}`);
  });

  await test.step("tried again, and large", async () => {
    // By keyboard, since live news may mend the page before a mouse would be there.
    await alert
      .first()
      .getByRole("button", { name: t("common.again") })
      .focus();
    answer(changed(s.own, s.large));
    await page.keyboard.press("Enter");
    await expect(alert).toBeHidden();
    await expect(main.getByTestId("loading")).toHaveCount(0);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    if (s.counted) await expect(page.getByText(t("common.total", { n: "1,000,000" })).first()).toBeVisible();
    await looked(page, `${s.name}-large-${language}`);
  });

  const { empty } = s;
  if (empty)
    await test.step("empty", async () => {
      answer(changed(s.own, empty.of));
      await page.goto(empty.address);
      await expect(main.getByText(t(empty.sentence)).first()).toBeVisible();
      await looked(page, `${s.name}-empty-${language}`);
    });

  await page.unrouteAll({ behavior: "ignoreErrors" });
}
