import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { expect, test, vi } from "vitest";
import { type Place, PlaceContext } from "../place";

const pages: Record<string, object> = {
  "/shop/messages?limit=100": { items: [{ id: "msg_1" }, { id: "msg_2" }], next: "msg_2" },
  "/shop/messages?limit=100&cursor=msg_2": { items: [{ id: "msg_3" }] },
};
vi.mock("../api", () => ({ get: async (path: string) => pages[path] }));

const { useMessages } = await import("./useMessages");

test("each message can be chosen, also those beyond one page", async () => {
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={new QueryClient()}>
      <PlaceContext value={{ at: "/shop" } as Place}>{children}</PlaceContext>
    </QueryClientProvider>
  );
  const { result } = renderHook(() => useMessages(), { wrapper });
  await waitFor(() => expect(result.current.data?.map((m) => m.id)).toEqual(["msg_1", "msg_2", "msg_3"]));
});
