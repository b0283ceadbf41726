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
  {
    of: "shop",
    path: "settings/klaviyo",
    title: "connection.klaviyo.title",
    menu: "settings",
    order: 2,
    load: async () => (await import("./Klaviyo")).KlaviyoWizard,
  },
  {
    of: "shop",
    path: "settings/line",
    title: "connection.line.title",
    menu: "settings",
    order: 1,
    role: "admin",
    load: async () => (await import("./Line")).LineWizard,
  },
];
