import type { Screen } from "../screens";

export const screens: Screen[] = [
  {
    of: "account",
    path: "statistics",
    title: "menu.statistics",
    names: "statistics.names",
    menu: "statistics",
    order: 0,
    load: async () => (await import("./Statistics")).Statistics,
  },
  {
    of: "account",
    path: "statistics/rules",
    title: "statistics.rules",
    names: "statistics.rulesNames",
    menu: "statistics",
    order: 1,
    load: async () => (await import("./Rules")).Rules,
  },
  {
    of: "account",
    path: "statistics/people/:of",
    title: "statistics.people.name",
    menu: "statistics",
    load: async () => (await import("./People")).People,
  },
];
