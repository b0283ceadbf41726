import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, get, type Me, read } from "../api";
import { useAction } from "../parts";
import { usePlace } from "../place";

// useOwnPhone makes the QR code that links a member's own phone: it leads to the customer with
// her email, which is her own until she types another. The code is made under the given name.
export function useOwnPhone(channel: string, name: string) {
  const merchant = usePlace().merchant.id;
  const me = useQuery({ queryKey: ["me"], queryFn: () => get<Me>("/me") });
  const [typed, type] = useState<string>();
  const email = typed ?? me.data?.member?.email ?? "";
  const show = useAction((_: undefined, headers) =>
    read(
      api.POST("/merchants/{merchant}/channels/{channel}/qr_codes/own_phone", {
        params: { path: { merchant, channel } },
        body: { email, name },
        headers,
      }),
    ),
  );
  const own = show.result;
  const image =
    own &&
    `/api/v1/merchants/${merchant}/channels/${channel}/qr_codes/${own.code}/image/image.png?profile=${encodeURIComponent(own.profile_id)}`;
  return { email, type, show, own, image };
}
