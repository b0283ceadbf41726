import { expect, test } from "@playwright/test";
import { looked, signIn, sizes } from "./console";
import { Hand } from "./hand";
import { reminders } from "./klaviyo";
import { sim } from "./sim";
import { say as texts } from "./words";

// Walk-through 6 of UX 8: let the cart flow send a message; prove it with a test. What Get JSON
// copies is pasted into the webhook's editor in Klaviyo, previewed and tested there.
for (const language of ["en", "ja"] as const)
  test(`walk-through 6, a test of the cart flow reaches the phone, and the Flow doctor is green: ${language}`, async ({
    page,
    context,
    request,
  }) => {
    const t = texts(language);
    const hand = new Hand();
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await signIn(page, language);
    const open = (entry: string) =>
      hand.click(
        page
          .getByRole("navigation", { name: t("menu.label") })
          .getByRole("link", { name: t(entry), exact: true })
          .first(),
      );
    await open("menu.messages");
    await hand.click(page.getByRole("link", { name: "Abandoned cart" }).first());
    await hand.click(page.getByRole("button", { name: t("message.getJson"), exact: true }));
    const panel = page.getByRole("region", { name: t("message.getJson"), exact: true });
    const copy = (what: string) => panel.getByRole("button", { name: t(what) });

    const klaviyo = await context.newPage();
    await klaviyo.goto(`${sim}/klaviyo`);
    await hand.click(klaviyo.getByRole("button", { name: "Mio T.", exact: true }));
    const flow = klaviyo.getByRole("row", { name: /Abandoned cart/ }).first();
    await hand.click(flow.getByRole("button", { name: "Edit" }));
    const field = (name: string) => klaviyo.getByLabel(new RegExp(`^${name}`));
    // carried is what was copied, pasted over a field of the editor.
    const carried = async (what: string, to: string) => {
      await page.bringToFront();
      await copy(what).click();
      await expect(copy(what)).toContainText(t("common.copied"));
      await klaviyo.bringToFront();
      await field(to).press("ControlOrMeta+a");
      await field(to).press("ControlOrMeta+v");
    };
    const [url, header, old] = [
      await field("URL").inputValue(),
      await field("Header").inputValue(),
      await field("JSON body").inputValue(),
    ];
    await carried("json.body", "JSON body");
    hand.n += 2; // copied and pasted
    await expect(field("JSON body")).not.toHaveValue(old); // each is a step of its own
    await hand.click(klaviyo.getByRole("button", { name: "Save" }));
    await expect(klaviyo.getByText("Saved", { exact: true })).toBeVisible();
    await hand.click(klaviyo.getByRole("button", { name: "Preview for Mio T." }));
    await expect(klaviyo.getByText("Valid JSON")).toBeVisible();
    const before = await reminders(request, "mio");
    await hand.click(klaviyo.getByRole("button", { name: "Send a test for Mio T." }));
    await expect(klaviyo.getByText(/^Answered 20/)).toBeVisible();
    await expect.poll(() => reminders(request, "mio"), { timeout: 30_000 }).toBe(before + 1);

    // Whoever makes a new webhook copies the rest too: it is what stands in this one.
    await carried("json.url", "URL");
    await carried("json.header", "Header");
    await expect(field("URL")).toHaveValue(url);
    await expect(field("Header")).toHaveValue(header);
    await klaviyo.close();

    await open("menu.flows");
    hand.within(12, 5);
    const row = page.getByRole("row", { name: /Mio T\./ }).first();
    await expect(row).toContainText(t("state.sent"));

    // What LINE got stands there as it was sent, without her LINE id.
    await row.getByRole("link").first().click();
    await page.getByRole("button", { name: t("flow.sent.title") }).click();
    const got = page.getByRole("region", { name: t("flow.sent.title") });
    await expect(got).toContainText(/"to":"U…[0-9a-f]{4}"/);
    await expect(got).toContainText("your tea is still waiting");
    await expect(got.getByRole("button", { name: t("common.copy") })).toBeVisible();
    await looked(page, `5-20-sent-${language}`);
    await page.setViewportSize(sizes.ja);
    await looked(page, `5-20-sent-phone-${language}`);
  });
