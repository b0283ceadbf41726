import type { Page } from "@playwright/test";
import axe from "axe-core";

// violations are what axe finds in a page, as "rule where". Axe stays in the page until that is
// loaded anew: bringing it in takes as long as looking. It does not look into frames. Where a
// merchant's own content is shown, its colours are not ours to judge.
export async function violations(page: Page, content: "ours" | "merchants" = "ours"): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  return page.evaluate(async (ours) => {
    const found = await (window as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ["violations"],
      iframes: false,
      rules: { "color-contrast": { enabled: ours } },
    });
    return found.violations.map((v) => `${v.id} ${v.nodes.map((n) => n.target).join(" ")}`);
  }, content === "ours");
}
