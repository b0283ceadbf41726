import { readFile } from "node:fs/promises";
import { type APIRequestContext, expect, test } from "@playwright/test";
import { looked, signIn } from "./console";
import { asMember, type Items, met, told } from "./sim";
import { say as texts } from "./words";

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
    title: "自動連携",
    rule: "完全に一致し、重複のないものだけを連携します。",
  },
} as const;

type Person = { id: string; friendships: Record<string, { user_id: string }> };
type Profile = { id: string };
type Known = { profile: { properties: Record<string, unknown> } };

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

for (const language of ["en", "ja"] as const) {
  const say = words[language];
  const size = language === "en" ? { width: 1440, height: 900 } : { width: 390, height: 844 };

  test(`5.8 walk-through 18: LINE IDs of an old tool, safely: ${language}`, async ({ page, request }) => {
    const stamp = `${language === "en" ? 1 : 2}${Date.now()}`;
    const old = await oldTool(request, stamp);
    await page.setViewportSize(size);
    const home = await signIn(page, language);
    await met(page, old.name);
    await page.goto(`${home}/linking/import`);
    await page.getByRole("combobox", { name: say.segment }).click();
    await page.getByRole("option", { name: old.segment }).click();
    await expect(page.getByRole("radio", { name: old.property })).toBeChecked();
    await looked(page, `5-8-import-${language}`);
    await page.getByRole("button", { name: say.check }).click();
    await expect(page.getByTestId("result-will_link")).toHaveText("1");
    await expect(page.getByTestId("result-malformed")).toHaveText("1");
    await expect(page.getByTestId("result-unknown")).toHaveText("1");
    await page.getByRole("button", { name: say.ask }).click();
    await expect(page.getByTestId("result-unreachable")).toHaveText("1");
    await page.getByRole("button", { name: say.people }).first().click();
    await expect(page.getByText("Sora 0").first()).toBeVisible();
    await looked(page, `5-8-check-${language}`);
    await page.getByRole("button", { name: say.link }).click();
    await expect(page.getByTestId("result-linked")).toHaveText("1");
    const known = async () =>
      (await told<Known>(request, `/klaviyo/profiles/${old.customer}`)).profile.properties;
    await expect.poll(async () => (await known())["LINE Follow Status"]).toBe("following");
    await page.getByRole("button", { name: say.undo }).click();
    await page.getByRole("button", { name: say.really }).click();
    await expect(page.getByTestId("result-undone")).toHaveText("1");
    await expect.poll(async () => (await known())["LINE Follow Status"]).toBeUndefined();
    expect((await known())[old.property]).toBeTruthy();
    await looked(page, `5-8-undone-${language}`);
  });

  test(`5.8 IDs of another provider are found out by a sample: ${language}`, async ({ page, request }) => {
    const t = texts(language);
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
    await page.getByRole("button", { name: say.check }).click();
    await expect(page.getByTestId("result-unknown")).toHaveText(String(far));
    await page.getByRole("button", { name: t("linking.import.askButton_other", { n: far }) }).click();
    await expect(page.getByText(t("run.sample"))).toBeVisible();
    await expect(page.getByRole("alert").filter({ hasText: say.doubtful })).toBeVisible();
    await expect(page.getByText(t("linking.import.means.unreachable"))).toBeVisible();
    await looked(page, `5-8-doubtful-${language}`);
    const check = page.getByRole("group", { name: t("linking.import.check") });
    await expect(check.getByText(t("runState.paused"), { exact: true })).toBeVisible();
    await check.getByRole("button", { name: t("run.resume") }).click();
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
    const csv = `line_user_id,email\n${old.user}, SORA0.${stamp}@Customer.example\n`;
    await asMember(page, "/friends/import", { csv });
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
    await email.press("Space");
    await expect(email).not.toBeChecked();
  });
}
