import {
  type IconBell,
  IconChartBar,
  IconHome,
  IconLayoutGrid,
  IconLink,
  IconMessage,
  IconRoute,
  IconSend,
  IconSettings,
  IconShoppingBag,
  IconUsers,
} from "@tabler/icons-react";
import type { Place } from "../place";
import { type Entry, entries, listed, type Screen } from "../screens";

export const icons: Record<Entry, typeof IconBell> = {
  home: IconHome,
  broadcasts: IconSend,
  messages: IconMessage,
  flows: IconRoute,
  friends: IconUsers,
  linking: IconLink,
  menus: IconLayoutGrid,
  products: IconShoppingBag,
  statistics: IconChartBar,
  settings: IconSettings,
};

export type Item = { title: string; to: string };
export type MenuEntry = Item & { entry: Entry; children: Item[] };

type Where = Pick<Place, "merchant" | "channel" | "shop" | "base">;

// addressOf is where a screen stands now.
export function addressOf(screen: Screen, { shop, base }: Where): string {
  const root = screen.of === "shop" ? shop : base;
  return screen.path ? `${root}/${screen.path}` : root;
}

// reachable are the screens of this role and place: without a LINE account only the shop's.
export const reachable = (where: Where) =>
  listed(where.merchant.role).filter((s) => (where.channel ? !s.alone : s.of === "shop"));

// menuOf are the entries that lead somewhere; an entry with several screens lists them below.
export function menuOf(where: Where): MenuEntry[] {
  const own = reachable(where);
  return entries.flatMap((entry) => {
    const inside = own
      .filter((s) => s.menu === entry)
      .map((s) => ({ title: s.title, to: addressOf(s, where) }));
    const [first] = inside;
    if (!first) return [];
    return [{ entry, title: `menu.${entry}`, to: first.to, children: inside.length > 1 ? inside : [] }];
  });
}

// currentOf is the item that an address belongs to: the longest that begins it.
export function currentOf(items: Item[], pathname: string, home: string): string | undefined {
  return items
    .map((i) => i.to)
    .filter((to) => pathname === to || (to !== home && pathname.startsWith(`${to}/`)))
    .sort((a, b) => b.length - a.length)[0];
}
