import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { MemoryRouter, Route, Routes } from "react-router";
import { afterEach, expect, test, vi } from "vitest";
import type { Channel, Me, Merchant } from "../api";
import i18n from "../i18n";
import { resolver, theme } from "../theme";
import { matching } from "./Find";
import { linesOf, worstOf } from "./Health";
import { Shell } from "./Shell";

const merchant = {
  id: "mer_1",
  slug: "hana-tea",
  name: "Hana Tea",
  role: "owner",
  time_zone: "Asia/Tokyo",
} as Merchant;
const patience = 20_000; // ms: the whole frame in jsdom, on a busy machine

const channel = { id: "chn_1", number: 1, name: "Hana Tea", basic_id: "@hanatea" } as Channel;
const me = {
  member: { name: "Sato", email: "sato@hanatea.example" },
  merchants: [merchant],
} as unknown as Me;

const answers: Record<string, unknown> = {
  sending: { stopped: "no", too_late_seconds: 21600, waiting: { flow: 0, broadcast: 0, items: [] } },
  connections: { line: [], edges: { state: "working" } },
};

class Quiet {
  close() {}
}

afterEach(cleanup);

test(
  "the frame has menu, search and Stop; stopping takes two clicks",
  async () => {
    await i18n.changeLanguage("en");
    const asked: string[] = [];
    vi.stubGlobal("WebSocket", Quiet);
    vi.stubGlobal("fetch", async (request: Request) => {
      const url = typeof request === "string" ? request : request.url;
      asked.push(`${typeof request === "string" ? "GET" : request.method} ${url}`);
      const last = url.split("/").at(-1) ?? "";
      return new Response(JSON.stringify(answers[last] ?? {}), {
        headers: { "Content-Type": "application/json" },
      });
    });
    render(
      <MantineProvider env="test" theme={theme} cssVariablesResolver={resolver}>
        <QueryClientProvider client={new QueryClient()}>
          <MemoryRouter initialEntries={["/hana-tea/oa/hanatea"]}>
            <Routes>
              <Route element={<Shell me={me} merchant={merchant} channels={[channel]} />}>
                <Route path="/hana-tea/oa/:account" element={<h1>Here</h1>} />
              </Route>
            </Routes>
          </MemoryRouter>
        </QueryClientProvider>
      </MantineProvider>,
    );
    expect(screen.getByRole("link", { name: "Home" }).getAttribute("aria-current")).toBe("page");
    expect(screen.getByRole("link", { name: "Flows" }).getAttribute("href")).toBe(
      "/hana-tea/oa/hanatea/flows",
    );
    fireEvent.click(screen.getByRole("button", { name: "Stop sending" }));
    fireEvent.click(await screen.findByRole("button", { name: "Stop everything on this account" }));
    await vi.waitFor(() => expect(asked.some((a) => /^POST .*\/sending\/stop$/.test(a))).toBe(true));
  },
  patience,
);

test("the search needs all words, in any width of letters", () => {
  const found = matching(["Flow Message Settings", "Flow doctor"], "flow set", (s) => s);
  expect(found).toEqual(["Flow Message Settings"]);
  expect(matching(["ID連携"], "ID", (s) => s)).toEqual(["ID連携"]);
});

test("the chip shows the worst of all", () => {
  const lines = linesOf(
    { line: [{ id: "chn_1", name: "Hana Tea", state: "working" }], edges: { state: "working" } } as never,
    "/hana-tea",
    "Links",
  );
  expect(worstOf(lines)).toBe("off"); // Klaviyo is not connected
});
