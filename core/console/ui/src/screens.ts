import { type ComponentType, lazy } from "react";
import type { Merchant } from "./api";

// Each capability's folder lists its own screens in screens.ts; nothing else names them. From
// these lists come the routes, the menu and what the search finds.
export type Screen = {
  of: "account" | "shop"; // below /{merchant}/oa/{account}, or below /{merchant}
  path: string; // a router path: "flows/requests/:request"
  title: string; // text key: its name, in the menu and in the search
  names?: string; // text key: other names it is known by, the FAQ's first, with commas
  menu?: Entry; // the menu entry it belongs to
  order?: number; // within its entry; 0 is what the entry opens
  alone?: boolean; // only while the shop has no LINE account
  role?: Merchant["role"]; // least role; others do not see it
  load: () => Promise<ComponentType>;
};

// The menu's order (UX 3). An entry is there once a screen claims it.
export const entries = [
  "home",
  "broadcasts",
  "messages",
  "flows",
  "friends",
  "linking",
  "menus",
  "products",
  "statistics",
  "settings",
] as const;
export type Entry = (typeof entries)[number];

type Made = Screen & { Component: ComponentType };

const files = import.meta.glob<{ screens: Screen[] }>("./*/screens.ts", { eager: true });

export const screens: Made[] = Object.values(files)
  .flatMap((file) => file.screens)
  .map((s) => ({ ...s, Component: lazy(async () => ({ default: await s.load() })) }))
  .sort((a, b) => (a.order ?? 99) - (b.order ?? 99));

const ranks = ["viewer", "marketer", "admin", "owner"];

// allows tells whether a role reaches another.
export const allows = (has: string, need = "viewer") => ranks.indexOf(has) >= ranks.indexOf(need);

// listed are the screens with an address of their own: those of a single item have none.
export const listed = (role: string) => screens.filter((s) => !s.path.includes(":") && allows(role, s.role));

// exists tells whether something stands at a path, so that nothing leads into the void.
export const exists = (path: string) => screens.some((s) => s.path === path);
