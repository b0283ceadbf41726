import { expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { asMember, customer, met, told } from "./sim";
import { say } from "./words";

// What Klaviyo refused is seen with whose it is and why, dismissed, taken back at once, brought
// back later, and tried again until Klaviyo has it.
for (const language of ["en", "ja"] as const)
  test(`what Klaviyo refused is dismissed, brought back and tried again: ${language}`, async ({
    page,
    request,
  }) => {
    const t = say(language);
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const stamp = `${Date.now()}`;
    const [name, email] = [`Kept ${stamp}`, `kept${stamp}@customer.example`];
    const profile = await told<{ id: string }>(request, "/klaviyo/profiles", { email });
    const person = await told<{ id: string }>(request, "/people", { name, language });
    await told(request, `/people/${person.id}/follow`, {});
    const friend = await met(page, name);
    await told(request, "/faults", { api: "klaviyo.events", kind: "400", times: 1 });
    await asMember(page, `/friends/${friend}/link`, { profile_id: profile.id });

    await page.goto(`${home}/linking/kept`);
    const [rows, row] = language === "en" ? (["table", "row"] as const) : (["list", "listitem"] as const);
    const hers = (list: string) =>
      page
        .getByRole(rows, { name: t(list) })
        .getByRole(row)
        .filter({ hasText: name });
    const kept = hers("linking.kept.title");
    const dismissed = hers("linking.kept.dismissed");
    await expect(kept).toBeVisible();
    await looked(page, `5-11-kept-${language}`);

    await kept.getByRole("button", { name: t("flow.kept.dismiss") }).click();
    await expect(dismissed).toBeVisible();
    await expect(kept).toBeHidden();
    await looked(page, `5-11-kept-dismissed-${language}`);
    const undo = page.getByRole("button", { name: t("common.undo") });
    const cut = (button: Element) =>
      [...button.querySelectorAll("*")].some((e) => e.clientWidth > 0 && e.scrollWidth > e.clientWidth);
    expect(await undo.evaluate(cut), "the button's words are cut off").toBe(false);
    await undo.click();
    await expect(kept).toBeVisible();
    await expect(dismissed).toBeHidden();

    await kept.getByRole("button", { name: t("flow.kept.dismiss") }).click();
    await dismissed.getByRole("button", { name: t("flow.kept.bringBack") }).click();
    await expect(kept).toBeVisible();
    await kept.getByRole("button", { name: t("common.again") }).click();
    await expect(kept).toBeHidden();
    const linked = async () => {
      const { events } = await customer(request, profile.id);
      return events.filter((e) => e.metric === "Linked LINE Identity").length;
    };
    await expect.poll(linked).toBe(1);
  });
