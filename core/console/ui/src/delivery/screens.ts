import type { Screen } from "../screens";

export const screens: Screen[] = [
  {
    of: "account",
    path: "quota",
    title: "delivery.quota.title",
    names: "delivery.quota.names",
    menu: "statistics",
    order: 2,
    load: async () => (await import("./Quota")).Quota,
  },
  {
    of: "account",
    path: "settings/sending",
    title: "delivery.rules.title",
    names: "delivery.rules.names",
    menu: "settings",
    order: 4,
    role: "admin",
    load: async () => (await import("./Rules")).Rules,
  },
];
