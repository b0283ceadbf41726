import { createContext, useContext } from "react";
import { useFilters } from "../parts";
import { account, usePlace } from "../place";

export const all = "all";

// useTogether is whether the figures of all LINE accounts are asked for; it stands in the address.
export function useTogether() {
  const { channels } = usePlace();
  return useFilters(["accounts"]).values.accounts === all && channels.length > 1;
}

// Together tells what is shown of the figures whether they are those of all LINE accounts.
export const Together = createContext(false);

// useWhose is where the figures of a row are looked after: at the account of the page, or at its
// own where all are shown; a sum of several has no such place.
export function useWhose() {
  const together = useContext(Together);
  const { at, base, channels, merchant, shop } = usePlace();
  return (id?: string) => {
    if (!together) return { at, base, name: "" };
    const whose = channels.find((c) => c.id === id);
    return (
      whose && {
        at: `/merchants/${merchant.id}/channels/${whose.id}`,
        base: `${shop}/oa/${account(whose)}`,
        name: whose.name,
      }
    );
  };
}
