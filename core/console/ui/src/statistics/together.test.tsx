import { MantineProvider } from "@mantine/core";
import { cleanup, render, screen } from "@testing-library/react";
import i18next from "i18next";
import { MemoryRouter } from "react-router";
import { afterEach, beforeEach, expect, test } from "vitest";
import "../i18n";
import type { Channel, Merchant } from "../api";
import { PlaceContext } from "../place";
import { Behind } from "./Behind";
import { Listed } from "./Listed";
import { Account } from "./Range";
import { all, Together, useTogether } from "./together";

const channels = [
  { id: "chn_1", name: "Hana Tea", basic_id: "@hanatea" },
  { id: "chn_2", name: "Tea House", basic_id: "@house" },
] as Channel[];

// shown draws the figures of a row of the second account, on a page of the first.
function shown(together: boolean, address = "/") {
  const place = {
    merchant: { id: "mer_1", time_zone: "Asia/Tokyo" } as Merchant,
    channels,
    channel: channels[0],
    shop: "/hana",
    base: "/hana/oa/hanatea",
    path: { merchant: "mer_1", channel: "chn_1" },
    at: "/merchants/mer_1/channels/chn_1",
    mayChange: true,
    mayManage: true,
    exists: () => true,
  };
  return render(
    <MantineProvider>
      <MemoryRouter initialEntries={[address]}>
        <PlaceContext value={place}>
          <Account />
          <Asked />
          <Together value={together}>
            <p data-testid="sum">
              <Behind whom="sent" n={9} range="days" />
            </p>
            <Listed
              title="By link"
              first="Link"
              csv={["link"]}
              range="days"
              min={0}
              rows={[{ n: 4, channel: "chn_2" }]}
              id={(r) => r.channel}
              name={() => "https://shop.example/tea"}
              channel={(r) => r.channel}
              columns={[
                {
                  name: "Clicks",
                  of: (r) => <Behind whom="clicked" n={r.n} range="days" channel={r.channel} />,
                },
              ]}
            />
          </Together>
        </PlaceContext>
      </MemoryRouter>
    </MantineProvider>,
  );
}

const Asked = () => <p data-testid="asked">{String(useTogether())}</p>;
const leads = (name: RegExp) => screen.getByRole("link", { name }).getAttribute("href");

beforeEach(() => i18next.changeLanguage("en"));
afterEach(cleanup);

test("of all LINE accounts each row tells whose it is, and its figures open that account's people", () => {
  shown(true, `/?accounts=${all}`);
  expect(screen.getByTestId("asked").textContent).toBe("true");
  expect(screen.getByRole("combobox")).toHaveProperty("value", "All LINE accounts");
  expect(screen.getByRole("row", { name: /tea/ }).textContent).toContain("Tea House");
  expect(leads(/Who clicked/)).toBe("/hana/oa/house/statistics/people/clicked?days");
  expect(leads(/CSV/)).toBe("/api/v1/merchants/mer_1/statistics.csv?by=link&days");
  expect(screen.getByTestId("sum").textContent).toBe("9");
  expect(screen.getByTestId("sum").querySelector("a")).toBeNull(); // people stand behind each account's
});

test("of one LINE account everything is that account's", () => {
  shown(false);
  expect(screen.getByTestId("asked").textContent).toBe("false");
  expect(screen.getByRole("combobox")).toHaveProperty("value", "Hana Tea @hanatea");
  expect(screen.queryByText("Tea House")).toBeNull();
  expect(leads(/Who clicked/)).toBe("/hana/oa/hanatea/statistics/people/clicked?days");
  expect(leads(/CSV/)).toBe("/api/v1/merchants/mer_1/channels/chn_1/statistics.csv?by=link&days");
  expect(screen.getByTestId("sum").querySelector("a")).not.toBeNull();
});
