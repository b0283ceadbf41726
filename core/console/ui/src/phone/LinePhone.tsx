import type { CSSProperties, ReactNode } from "react";
import type { LineMessage } from "../api";
import { Bubble, plain } from "./Bubble";
import style from "./phone.module.css";
import { type Say, words } from "./words";

export type Account = { name: string; picture?: string; verified?: boolean };
// Gap is a variable that had no value: where in the text, and what the marketer calls it.
export type Gap = { at: number; name: string };
export type Shown = { message: LineMessage; at?: string; own?: boolean; gaps?: Gap[] };
export type Action = { type: "uri"; uri: string };

type Props = {
  account: Account;
  messages: Shown[];
  label: string; // names the region: "Preview of ..."
  mode?: "phone" | "notification" | "text";
  language?: string;
  width?: 320 | 375 | 430;
  scale?: number;
  clock?: string; // what the status bar shows
  input?: ReactNode; // what stands in place of the drawn input bar
  onAction?: (action: Action) => void;
  // resolveImage gives the address that a picture is loaded from; without it none is loaded.
  resolveImage?: (address: string) => string | undefined;
};

// LinePhone shows messages as LINE would. It takes exactly the JSON that LINE gets, fetches
// nothing and knows no router. What it cannot draw it says; it never leaves a blank.
export function LinePhone(props: Props) {
  const { account, messages, label, mode = "phone", language = "en" } = props;
  const say = words(language);
  if (mode === "notification")
    return <Notification account={account} last={messages.at(-1)} label={label} say={say} />;
  if (mode === "text") return <TextOnly messages={messages} label={label} say={say} />;
  return (
    <Frame {...props} language={language}>
      {messages.map((m, i) => (
        <Row
          key={`${m.at ?? ""}-${i}`}
          shown={m}
          before={messages[i - 1]}
          account={account}
          language={language}
          say={say}
          onAction={props.onAction}
          resolveImage={props.resolveImage}
        />
      ))}
    </Frame>
  );
}

type FrameProps = Pick<Props, "account" | "label" | "width" | "scale" | "clock" | "input"> & {
  language?: string;
  onBack?: () => void;
  children: ReactNode;
};

// Frame is the phone around a chat: bezel, status bar, header, and the bar below.
export function Frame(props: FrameProps) {
  const { account, label, width = 375, scale = 1, clock = "9:41", input, children } = props;
  const size: CSSProperties = { width, zoom: scale };
  return (
    <section aria-label={label} className={style.phone} style={size} lang={props.language}>
      <StatusBar clock={clock} />
      <div className={style.header}>
        <Back />
        <span className={style.account}>{account.name}</span>
        {account.verified && <Shield />}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the chat scrolls, and keys must reach it */}
      <div className={style.chat} tabIndex={0} role="log" aria-label={account.name}>
        {children}
      </div>
      {input ?? (
        <div className={style.input} aria-hidden="true">
          <span>＋</span>
          <span className={style.field}>Aa</span>
        </div>
      )}
    </section>
  );
}

export function StatusBar({ clock }: { clock: string }) {
  return (
    <div className={style.status} aria-hidden="true">
      <span>{clock}</span>
      <svg width="24" height="12" viewBox="0 0 24 12" aria-hidden="true">
        <rect x="0.5" y="0.5" width="20" height="11" rx="3" fill="none" stroke="currentColor" />
        <rect x="2.5" y="2.5" width="14" height="7" rx="1.5" fill="currentColor" />
        <rect x="22" y="4" width="2" height="4" rx="1" fill="currentColor" />
      </svg>
    </div>
  );
}

const Back = () => (
  <svg width="10" height="16" viewBox="0 0 10 16" aria-hidden="true">
    <path d="M8 2 2 8l6 6" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
  </svg>
);

const Shield = () => (
  <svg width="14" height="16" viewBox="0 0 14 16" aria-hidden="true">
    <path d="M7 1 1 3v5c0 3.6 2.5 5.9 6 7 3.5-1.1 6-3.4 6-7V3z" fill="#1b4f9c" />
    <path d="m4 8 2.2 2.2L10.2 6" fill="none" stroke="#fff" strokeWidth="1.6" />
  </svg>
);

// opens tells whether a message begins a group: another side, sender or day spoke before.
function opens(now: Shown, before?: Shown): boolean {
  return (
    !before ||
    before.own !== now.own ||
    before.message.sender?.name !== now.message.sender?.name ||
    before.message.sender?.iconUrl !== now.message.sender?.iconUrl ||
    newDay(now, before)
  );
}

function newDay(now: Shown, before?: Shown): boolean {
  if (!now.at) return false;
  return !before?.at || new Date(before.at).toDateString() !== new Date(now.at).toDateString();
}

type RowProps = {
  shown: Shown;
  before?: Shown;
  account: Account;
  language: string;
  say: Say;
} & Pick<Props, "onAction" | "resolveImage">;

function Row({ shown, before, account, language, say, onAction, resolveImage }: RowProps) {
  const first = opens(shown, before);
  const at = shown.at ? new Date(shown.at) : undefined;
  const name = shown.message.sender?.name ?? account.name;
  const icon = shown.message.sender?.iconUrl ?? (shown.message.sender?.name ? undefined : account.picture);
  return (
    <>
      {at && newDay(shown, before) && (
        <div className={style.day}>
          {at.toLocaleDateString(language, { month: "short", day: "numeric", weekday: "short" })}
        </div>
      )}
      <div className={shown.own ? style.own : style.row}>
        {!shown.own && <Picture shown={first} name={name} source={icon && resolveImage?.(icon)} />}
        <div className={style.column}>
          {!shown.own && first && <div className={style.name}>{name}</div>}
          <div className={style.line}>
            <Bubble shown={shown} tail={first} say={say} onAction={onAction} />
            <span className={style.time}>
              {at?.toLocaleTimeString(language, { hour: "numeric", minute: "2-digit" })}
            </span>
          </div>
        </div>
      </div>
    </>
  );
}

// Picture is the round picture; the initial below it stays when the picture cannot be loaded.
function Picture({ shown, name, source }: { shown: boolean; name: string; source?: string }) {
  if (!shown) return <span className={style.noPicture} aria-hidden="true" />;
  return (
    <span className={style.picture} aria-hidden="true">
      {[...name][0]}
      {source && <img src={source} alt="" />}
    </span>
  );
}

// TextOnly is what a screen reader or a PC gets.
function TextOnly({ messages, label, say }: { messages: Shown[]; label: string; say: Say }) {
  return (
    <section aria-label={label} className={style.text}>
      {messages.map((m, i) => (
        <p key={`${m.at ?? ""}-${i}`}>{plain(m.message, say)}</p>
      ))}
    </section>
  );
}

type NotificationProps = { account: Account; last?: Shown; label: string; say: Say };

// Notification is the card on a lock screen: one message, two lines.
function Notification({ account, last, label, say }: NotificationProps) {
  return (
    <section aria-label={label} className={style.notification}>
      <span className={style.card}>
        <strong>{last?.message.sender?.name ?? account.name}</strong>
        <span className={style.two}>{last ? plain(last.message, say) : ""}</span>
      </span>
    </section>
  );
}

export { pieces } from "./Bubble";
