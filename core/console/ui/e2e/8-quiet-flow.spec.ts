import { expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { Hand } from "./hand";
import { cart, setStatus, setWebhook } from "./klaviyo";
import { asMember, sim, told } from "./sim";
import { say } from "./words";

// Walk-through 8 of UX 8: the cart flow went quiet, because it is in Draft again. What a merchant
// knows of already is left out for a week; a webhook that alone is in Draft is found too.
for (const language of ["en", "ja"] as const)
  test(`walk-through 8, the quiet flow is found in Draft, repaired, and seen live again: ${language}`, async ({
    page,
    request,
  }) => {
    const t = say(language);
    const flow = await cart(request);
    await page.setViewportSize(sizes[language]);
    const home = await signIn(page, language);
    const inDraft = (name: string) => page.getByText(t("flow.finding.draft", { name }));
    // What the look every few minutes does, at once.
    const lookAt = (id: string) => asMember(page, `/flows/${id}/check`, {});

    // Another flow of the shop, with the same webhook, that somebody took out of use.
    const name = `Old flow ${language} ${Date.now()}`;
    const { url, headers, body } = flow.webhook;
    const old = await told<{ id: string }>(request, "/klaviyo/flows", {
      name,
      metric: flow.metric,
      status: "live",
      webhook: { url, headers, body },
    });
    const used = 5; // fewer calls are those of somebody who tries a flow
    for (let n = 0; n < used; n++)
      await told(request, `/klaviyo/flows/${old.id}/test_send`, { profile: "mio@customer.example" });
    await told(request, `/klaviyo/flows/${old.id}/status`, { status: "draft" });
    await setStatus(request, "draft");
    await lookAt(old.id);
    await lookAt(flow.id);

    const hand = new Hand();
    hand.n++;
    await page.goto(`${home}/flows`);
    const finding = inDraft(flow.name);
    await expect(finding).toBeVisible();
    await looked(page, `5-19-draft-${language}`);
    await setStatus(request, "live"); // she does what it says
    hand.n++;
    const card = (which: string) =>
      page.getByRole("region", { name: t("flow.doctor.findings") }).locator("> *", { has: inDraft(which) });
    await hand.click(card(flow.name).getByRole("button", { name: t("flow.check.now") }));
    await expect(finding).toBeHidden();
    hand.within(4, 2);
    const row = page.getByRole("row").or(page.getByRole("listitem"));
    await expect(
      row
        .filter({ hasText: flow.name })
        .filter({ hasText: t("flow.status.live") })
        .first(),
    ).toBeVisible();

    await card(name)
      .getByRole("button", { name: t("flow.doctor.ignore") })
      .click();
    await expect(inDraft(name)).toBeHidden();
    await setWebhook(request, { ...flow.webhook, status: "draft" }); // the flow itself stays live
    await lookAt(flow.id);
    await page.reload();
    await expect(row.filter({ hasText: name }).first()).toBeVisible();
    await expect(inDraft(name)).toHaveCount(0);

    await expect(finding).toBeVisible();
    const check = card(flow.name).getByRole("button", { name: t("flow.check.now") });
    await check.click();
    const answer = card(flow.name).getByRole("status");
    await expect(answer).toContainText(t("flow.check.status", { status: t("flow.status.live") }));
    await expect(answer).toContainText(
      t("flow.check.webhook", { name: "LINE message", status: t("flow.status.draft") }),
    );
    await looked(page, `5-19-webhook-draft-${language}`);
    await setWebhook(request, { ...flow.webhook, status: "live" });
    await check.click();
    await expect(finding).toBeHidden();
    await request.delete(`${sim}/sim/v1/klaviyo/flows/${old.id}`);
  });
