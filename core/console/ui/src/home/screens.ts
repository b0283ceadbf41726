import type { Screen } from "../screens";

export const screens: Screen[] = [
  {
    of: "account",
    path: "",
    title: "menu.home",
    menu: "home",
    order: 0,
    load: async () => (await import("./Home")).HomePage,
  },
  {
    of: "shop",
    path: "start",
    title: "menu.home",
    menu: "home",
    order: 0,
    alone: true,
    load: async () => (await import("./Home")).Start,
  },
];
