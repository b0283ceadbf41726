import type { Screen } from "../screens";

export const screens: Screen[] = [
  {
    of: "account",
    path: "settings/consent",
    title: "menu.consent",
    names: "consent.names",
    menu: "settings",
    order: 20,
    load: async () => (await import("./Consent")).Consent,
  },
];
