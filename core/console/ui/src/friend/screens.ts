import type { Screen } from "../screens";

export const screens: Screen[] = [
  {
    of: "account",
    path: "friends",
    title: "menu.friends",
    menu: "friends",
    order: 0,
    load: async () => (await import("./Friends")).Friends,
  },
  {
    of: "account",
    path: "friends/:friend",
    title: "menu.friend",
    menu: "friends",
    load: async () => (await import("./Friend")).FriendPage,
  },
  {
    of: "account",
    path: "tags",
    title: "menu.tags",
    names: "friend.tagNames",
    menu: "friends",
    order: 2,
    load: async () => (await import("./Tags")).Tags,
  },
];
