import type { Screen } from "../screens";

export const screens: Screen[] = [
  {
    of: "shop",
    path: "settings/api-keys",
    title: "menu.apiKeys",
    names: "apikey.names",
    menu: "settings",
    order: 40,
    role: "admin",
    load: async () => (await import("./ApiKeys")).ApiKeys,
  },
];
