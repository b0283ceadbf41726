import type { Screen } from "../screens";

export const screens: Screen[] = [
  {
    of: "shop",
    path: "settings/connections",
    title: "connection.title",
    names: "connection.names",
    menu: "settings",
    order: 0,
    load: async () => (await import("./Connections")).Connections,
  },
];
