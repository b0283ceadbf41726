import { expect, type Locator } from "@playwright/test";

// Hand counts what a person does: clicks, choices, filled fields (UX 8).
export class Hand {
  n = 0;
  private began = Date.now();

  // within holds a walk-through to its actions, and to the minutes a person has for it: what the
  // product takes for itself must leave some to read and think.
  within(actions: number, minutes: number) {
    expect(this.n, "actions").toBeLessThanOrEqual(actions);
    expect((Date.now() - this.began) / 60_000, "minutes").toBeLessThan(minutes);
  }

  async click(what: Locator) {
    this.n++;
    await what.click();
  }
  async fill(what: Locator, text: string) {
    this.n++;
    await what.fill(text);
  }
}
