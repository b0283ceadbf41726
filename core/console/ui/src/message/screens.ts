import type { Screen } from "../screens";

export const screens: Screen[] = [
  {
    of: "account",
    path: "messages",
    title: "menu.messages",
    names: "message.names",
    menu: "messages",
    order: 0,
    load: async () => (await import("./Messages")).Messages,
  },
  {
    of: "account",
    path: "messages/:message",
    title: "message.one",
    menu: "messages",
    load: async () => (await import("./Editor")).Editor,
  },
  {
    of: "account",
    path: "messages/:message/versions",
    title: "message.versions",
    menu: "messages",
    load: async () => (await import("./Versions")).Versions,
  },
  {
    of: "account",
    path: "replies",
    title: "reply.title",
    names: "reply.names",
    menu: "messages",
    order: 1,
    load: async () => (await import("./Replies")).Replies,
  },
  {
    of: "account",
    path: "settings/tracking",
    title: "tracking.title",
    names: "tracking.names",
    menu: "settings",
    order: 5,
    role: "admin",
    load: async () => (await import("./Tracking")).Tracking,
  },
];
