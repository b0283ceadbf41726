import type { Locator } from "@playwright/test";

// Hand counts what a person does: clicks, choices, filled fields (UX 8).
export class Hand {
  n = 0;
  async click(what: Locator) {
    this.n++;
    await what.click();
  }
  async fill(what: Locator, text: string) {
    this.n++;
    await what.fill(text);
  }
}
