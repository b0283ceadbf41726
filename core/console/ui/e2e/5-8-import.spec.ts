import { readFile } from "node:fs/promises";
import { type APIRequestContext, expect, type Page, test } from "@playwright/test";
import { looked, signIn } from "./console";
import { Hand } from "./hand";
import { asMember, customer, type Items, met, sim, told } from "./sim";
import { type Say, say as texts } from "./words";

// Import of LINE ids and automatic linking (UX 5.8, 5.9), and walk-through 18 of UX 8: an old
// tool's ids are brought in safely. Each run brings its own people and its own segment.

const words = {
  en: {
    segment: "Klaviyo segment",
    check: "Check first",
    ask: "Ask LINE about 1 ID",
    doubtful: "Most of these IDs",
    link: "Link 1 customer",
    undo: "Undo this import",
    really: "Undo 1 link",
    people: "Show people",
    email: "Link by email",
    on: /^Turn on and link \d+ friends?$/,
    more: /^Link \d+ friends?$/,
    title: "Automatic linking",
    rule: "Only exact, unique matches are linked.",
  },
  ja: {
    segment: "Klaviyoのセグメント",
    check: "事前チェック",
    ask: "1件のIDをLINEに確認",
    doubtful: "これらのIDの多くは",
    link: "1人を連携",
    undo: "この取り込みを取り消す",
    really: "1件の連携を取り消す",
    people: "対象者を表示",
    email: "メールアドレスで連携",
    on: /^オンにして\d+人を連携$/,
    more: /^\d+人を連携$/,
    title: "自動連携",
    rule: "完全に一致し、重複のないものだけを連携します。",
  },
} as const;

type Person = { id: string; friendships: Record<string, { user_id: string }> };
type Profile = { id: string };

// oldTool makes a friend, three customers with values of an old tool, and their segment.
async function oldTool(request: APIRequestContext, stamp: string) {
  const person = await told<Person>(request, "/people", { name: `Sora ${stamp}`, language: "ja" });
  await told(request, `/people/${person.id}/follow`, {});
  const { friendships } = await told<Person>(request, `/people/${person.id}`);
  const user = Object.values(friendships)[0]?.user_id ?? "";
  const property = `Old LINE ID ${stamp}`;
  const stranger = `U${stamp.padStart(32, "0").slice(-32)}`;
  const made: Profile[] = [];
  for (const [n, value] of [user, "not an id", stranger].entries())
    made.push(
      await told<Profile>(request, "/klaviyo/profiles", {
        email: `sora${n}.${stamp}@customer.example`,
        first_name: `Sora ${n}`,
        properties: { [property]: value },
      }),
    );
  const segment = `Old tool ${stamp}`;
  await segmentOf(request, segment, property, 3);
  return { segment, property, customer: made[0]?.id ?? "", name: `Sora ${stamp}`, user };
}

// segmentOf waits until Klaviyo has so many customers in a segment.
async function segmentOf(request: APIRequestContext, name: string, property: string, n: number) {
  await told(request, "/klaviyo/segments", { name, property, operator: "is_set" });
  await expect
    .poll(async () => {
      const all = await told<Items<{ name: string; members: string[] | null }>>(request, "/klaviyo/segments");
      return all.items.find((s) => s.name === name)?.members?.length ?? 0;
    })
    .toBe(n);
}

// slow lets Klaviyo answer so many times more about segments, and then asks to go slower; the
// result ends that.
async function slow(request: APIRequestContext, after = 0) {
  const api = "klaviyo.segments";
  if (after > 0) await told(request, "/faults", { api, kind: "slow", times: after });
  await told(request, "/faults", { api, kind: "429", times: -1 });
  return () => request.delete(`${sim}/sim/v1/faults`);
}

// work is long work as its box on a page shows it.
function work(page: Page, title: string, t: Say) {
  const box = page.getByRole("group", { name: title, exact: true });
  return {
    box,
    turn: (verb: "pause" | "resume") => box.getByRole("button", { name: t(`run.${verb}`) }).click(),
    is: (state: string) => expect(box.getByText(t(`runState.${state}`), { exact: true })).toBeVisible(),
  };
}

for (const language of ["en", "ja"] as const) {
  const say = words[language];
  const t = texts(language);
  const size = language === "en" ? { width: 1440, height: 900 } : { width: 390, height: 844 };

  test(`5.8 walk-through 18: LINE IDs of an old tool, safely: ${language}`, async ({ page, request }) => {
    const stamp = `${language === "en" ? 1 : 2}${Date.now()}`;
    const old = await oldTool(request, stamp);
    await page.setViewportSize(size);
    const home = await signIn(page, language);
    const friend = await met(page, old.name);
    const hand = new Hand();
    await page.goto(`${home}/linking/import`);
    hand.n++; // the menu
    await page.getByRole("combobox", { name: say.segment }).click();
    await hand.click(page.getByRole("option", { name: old.segment }));
    await expect(page.getByRole("radio", { name: old.property })).toBeChecked();
    await looked(page, `5-8-import-${language}`);
    await hand.click(page.getByRole("button", { name: say.check }));
    await expect(page.getByTestId("result-will_link")).toHaveText("1");
    await expect(page.getByTestId("result-malformed")).toHaveText("1");
    await expect(page.getByTestId("result-unknown")).toHaveText("1");
    await hand.click(page.getByRole("button", { name: say.ask }));
    await expect(page.getByTestId("result-unreachable")).toHaveText("1");
    await hand.click(page.getByRole("button", { name: say.people }).first());
    await expect(page.getByText("Sora 0").first()).toBeVisible();
    await looked(page, `5-8-check-${language}`);
    const known = async () => (await customer(request, old.customer)).profile.properties;
    await test.step("linking waits for a check that was started before, and is paused", async () => {
      const { segment_id } = await asMember<{ segment_id: string }>(
        page,
        `/imports/${page.url().split("/").at(-1)?.split("?")[0]}`,
      );
      const faster = await slow(request);
      const before = await asMember<{ id: string }>(page, "/imports", {
        segment: segment_id,
        property: old.property,
      });
      await hand.click(page.getByRole("button", { name: say.link }));
      const linking = work(page, t("linking.import.linking"), t);
      await expect(linking.box).toContainText(t("run.kind.import_check")); // for whose end it waits
      await linking.is("waiting");
      await looked(page, `5-8-waits-${language}`);
      await linking.turn("pause");
      await linking.is("paused");
      await faster();
      await asMember(page, `/runs/${before.id}/stop`, {});
      await page.reload();
      await linking.is("paused"); // also for others, and nobody was linked meanwhile
      expect((await known())["LINE Follow Status"]).toBeUndefined();
      await looked(page, `5-8-paused-${language}`);
      await linking.turn("resume");
    });
    await expect(page.getByTestId("result-linked")).toHaveText("1");
    await expect.poll(async () => (await known())["LINE Follow Status"]).toBe("following");
    const steps = await asMember<Items<{ step: string }>>(page, `/friends/${friend}/links`);
    expect(steps.items.map((one) => one.step)).toEqual(["linked"]); // once
    await hand.click(page.getByRole("button", { name: say.undo }));
    await hand.click(page.getByRole("button", { name: say.really }));
    hand.within(8, 4);
    await expect(page.getByTestId("result-undone")).toHaveText("1");
    await expect.poll(async () => (await known())["LINE Follow Status"]).toBeUndefined();
    expect((await known())[old.property]).toBeTruthy();
    await looked(page, `5-8-undone-${language}`);
  });

  test(`5.8 IDs of another provider are found out by a sample: ${language}`, async ({ page, request }) => {
    const stamp = `${language === "en" ? 5 : 6}${Date.now()}`;
    const property = `Agency LINE ID ${stamp}`;
    const far = 105; // more than the sample of 100
    await Promise.all(
      Array.from({ length: far }, (_, n) =>
        told(request, "/klaviyo/profiles", {
          email: `far${n}.${stamp}@customer.example`,
          properties: { [property]: `U${`${n}${stamp}`.padStart(32, "0")}` },
        }),
      ),
    );
    await segmentOf(request, `Agency ${stamp}`, property, far);
    await page.setViewportSize(size);
    const home = await signIn(page, language);
    await page.goto(`${home}/linking/import`);
    await page.getByRole("combobox", { name: say.segment }).click();
    await page.getByRole("option", { name: `Agency ${stamp}` }).click();
    await expect(page.getByRole("radio", { name: property })).toBeChecked();
    const check = work(page, t("linking.import.check"), t);
    await test.step("paused by hand in the middle, and resumed: each counts once", async () => {
      const faster = await slow(request, 2); // the segment's size, and its first page
      await page.getByRole("button", { name: say.check }).click();
      await expect(check.box).toContainText(t("common.doneOf", { done: 100, total: far }));
      await expect(check.box).toContainText(t("run.both"));
      await check.turn("pause");
      await check.is("paused");
      await faster();
      await page.reload();
      await expect(check.box).toContainText(t("common.doneOf", { done: 100, total: far }));
      await looked(page, `5-8-check-paused-${language}`);
      await check.turn("resume");
      await expect(check.box).toContainText(t("common.doneOf", { done: far, total: far }));
    });
    await expect(page.getByTestId("result-unknown")).toHaveText(String(far));
    await page.getByRole("button", { name: t("linking.import.askButton_other", { n: far }) }).click();
    await expect(page.getByText(t("run.sample"))).toBeVisible();
    await expect(page.getByRole("alert").filter({ hasText: say.doubtful })).toBeVisible();
    await expect(page.getByText(t("linking.import.means.unreachable"))).toBeVisible();
    await looked(page, `5-8-doubtful-${language}`);
    await check.is("paused");
    await check.turn("resume");
    await expect(page.getByTestId("result-unreachable")).toHaveText(String(far));
    await expect(page.getByRole("button", { name: t("linking.import.link_other", { n: 0 }) })).toBeDisabled();
    const waiting = page.waitForEvent("download");
    await page
      .getByRole("row", { name: new RegExp(t("linking.import.result.unreachable")) })
      .getByRole("link", { name: t("linking.import.csv") })
      .click();
    const lines = (await readFile(await (await waiting).path(), "utf8")).trim().split(/\r?\n/);
    expect(lines).toHaveLength(far + 1);
    expect(lines.join()).not.toContain(stamp); // neither an email nor a LINE ID of a stranger
    await looked(page, `5-8-unreachable-${language}`);
  });

  test(`5.9 automatic linking is checked before it is turned on: ${language}`, async ({ page, request }) => {
    const stamp = `${language === "en" ? 3 : 4}${Date.now()}`;
    const old = await oldTool(request, stamp);
    await page.setViewportSize(size);
    const home = await signIn(page, language);
    await met(page, old.name);
    const late = await told<Person>(request, "/people", { name: `Late ${stamp}`, language });
    await told(request, `/people/${late.id}/follow`, {});
    const lateFriend = await met(page, `Late ${stamp}`);
    const lateUser = Object.values((await told<Person>(request, `/people/${late.id}`)).friendships)[0]
      ?.user_id;
    const own = [
      `${old.user}, SORA0.${stamp}@Customer.example`,
      `${lateUser},late.${stamp}@customer.example`,
    ];
    await asMember(page, "/friends/import", { csv: ["line_user_id,email", ...own].join("\n") });
    await page.goto(`${home}/linking/auto`);
    await expect(page.getByText(say.rule)).toBeVisible();
    const email = page.getByRole("switch", { name: say.email });
    if (await email.isChecked()) await email.press("Space");
    await expect(email).not.toBeChecked();
    await email.press("Space");
    await expect(page.getByRole("button", { name: say.on }).first()).toBeVisible();
    await expect(page.getByTestId("result-will_link")).toHaveText(/^[1-9]/);
    await expect(email).not.toBeChecked();
    await looked(page, `5-9-auto-check-${language}`);
    await page.getByRole("button", { name: say.on }).first().click();
    await expect(email).toBeChecked();
    await expect(page.getByTestId("result-linked")).toHaveText(/^[1-9]/);
    await looked(page, `5-9-auto-on-${language}`);
    await test.step("checked again: who became a customer since is found", async () => {
      const { id } = await told<Profile>(request, "/klaviyo/profiles", {
        email: `late.${stamp}@customer.example`,
      });
      const check = work(page, t("linking.import.check"), t);
      const again = page.getByRole("button", { name: t("linking.auto.again") });
      await again.click();
      await expect(page.getByTestId("result-linked")).toHaveCount(0); // it is another check
      await check.is("done");
      await expect(page.getByTestId("result-will_link")).toHaveText(/^[1-9]/);
      await expect(page.getByTestId("result-already")).toHaveText(/^[1-9]/);
      await looked(page, `5-9-again-${language}`);
      await page.getByRole("button", { name: say.more }).click();
      const linkedTo = async () =>
        (await asMember<{ profile_id?: string }>(page, `/friends/${lateFriend}`)).profile_id;
      await expect.poll(linkedTo).toBe(id);
      await expect(page.getByTestId("result-linked")).toHaveText(/^[1-9]/);
      await again.click(); // and then there is nobody more
      await expect(page.getByTestId("result-linked")).toHaveCount(0);
      await check.is("done");
      await expect(page.getByTestId("result-will_link")).toHaveText("0");
      await expect(page.getByRole("button", { name: say.more })).toBeDisabled();
      await looked(page, `5-9-again-nobody-${language}`);
    });
    await email.press("Space");
    await expect(email).not.toBeChecked();
  });
}
