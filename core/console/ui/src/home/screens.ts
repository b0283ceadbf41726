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
];
