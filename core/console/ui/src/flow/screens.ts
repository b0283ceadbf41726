import type { Screen } from "../screens";

export const screens: Screen[] = [
  {
    of: "account",
    path: "flows",
    title: "menu.doctor",
    names: "flow.doctor.names",
    menu: "flows",
    order: 0,
    load: async () => (await import("./Doctor")).Doctor,
  },
  {
    of: "account",
    path: "flows/library",
    title: "flow.library.title",
    names: "flow.library.names",
    menu: "flows",
    order: 1,
    load: async () => (await import("./Library")).Library,
  },
  {
    of: "account",
    path: "flows/settings",
    title: "menu.flowSettings",
    names: "flow.settings.names",
    menu: "flows",
    order: 2,
    load: async () => (await import("./Settings")).FlowSettingsPage,
  },
  {
    of: "account",
    path: "flows/kept",
    title: "flow.kept.title",
    names: "flow.kept.names",
    menu: "flows",
    order: 3,
    load: async () => (await import("./Kept")).Kept,
  },
  {
    of: "account",
    path: "flows/requests/:request",
    title: "flow.request.name",
    menu: "flows",
    load: async () => (await import("./Request")).Request,
  },
];
