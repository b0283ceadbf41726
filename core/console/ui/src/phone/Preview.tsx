import { type ComponentProps, useState } from "react";
import { hostOf } from "./Bubble";
import { LinePhone } from "./LinePhone";
import style from "./phone.module.css";
import { words } from "./words";

// Preview is the phone in the console: a tap goes nowhere, it tells where it would lead.
export function Preview(props: ComponentProps<typeof LinePhone>) {
  const [tapped, tap] = useState("");
  const say = words(props.language ?? "en");
  return (
    <div>
      <LinePhone {...props} onAction={(action) => tap(short(action.uri))} />
      <p role="status" className={style.told}>
        {tapped && say("phone.opens", { address: tapped })}
      </p>
    </div>
  );
}

// short is an address as people read it: host and path.
function short(address: string): string {
  try {
    const url = new URL(address);
    return `${url.host}${url.pathname === "/" ? "" : url.pathname}`;
  } catch {
    return hostOf(address);
  }
}
