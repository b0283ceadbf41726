import { createContext, useContext } from "react";
import type { Channel, Merchant } from "./api";

// Place is the shop and LINE account on the screen.
export type Place = {
  merchant: Merchant;
  channels: Channel[];
  channel?: Channel;
  // shop and base begin the addresses of screens: of the shop, and of the LINE account.
  shop: string;
  base: string;
  // path holds the ids for api.GET(.., { params: { path } }); at is the same as text.
  path: { merchant: string; channel: string };
  at: string;
  mayChange: boolean; // owner, admin or marketer
  mayManage: boolean; // owner or admin
  exists: (path: string) => boolean; // whether there is a screen at a path
};

export const PlaceContext = createContext<Place | undefined>(undefined);

export function usePlace(): Place {
  const place = useContext(PlaceContext);
  if (!place) throw new Error("outside of a shop");
  return place;
}

// account is a LINE account's part of an address: its basic id without the @.
export const account = (channel: { basic_id: string }) => channel.basic_id.replace(/^@/, "");
