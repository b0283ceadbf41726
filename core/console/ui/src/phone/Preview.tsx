import { type ComponentProps, useState } from "react";
import { hostOf, short } from "./address";
import { LinePhone } from "./LinePhone";
import type { Action } from "./message";
import style from "./phone.module.css";
import { type Say, words } from "./words";

type Props = Omit<ComponentProps<typeof LinePhone>, "onAction"> & {
  // tracked tells whether a tap on an address is counted.
  tracked?: (address: string) => boolean;
};

// Preview is the phone in the console: a tap goes nowhere, it tells where it would lead.
export function Preview({ tracked, ...props }: Props) {
  const [told, tell] = useState("");
  const say = words(props.language ?? "en");
  return (
    <div>
      <LinePhone {...props} onAction={(action) => tell(leadsTo(action, say, tracked))} />
      <p role="status" className={style.told}>
        {told}
      </p>
    </div>
  );
}

// leadsTo says what a tap would do.
export function leadsTo(action: Action, say: Say, tracked?: (address: string) => boolean): string {
  switch (action.type) {
    case "uri":
      if (action.uri.startsWith("tel:")) return say("phone.calls", { number: action.uri.slice(4) });
      if (hostOf(action.uri) === "line.me" || action.uri.startsWith("line:"))
        return say("phone.inLine", { address: short(action.uri) });
      return say(tracked?.(action.uri) ? "phone.opensTracked" : "phone.opens", {
        address: short(action.uri),
      });
    case "message":
      return say("phone.says", { text: action.text });
    case "postback":
      return say("phone.sends");
    case "clipboard":
      return say("phone.copies", { text: action.clipboardText });
  }
  return say("phone.tap", { kind: action.type });
}
