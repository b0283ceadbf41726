import { type CSSProperties, type ReactNode, useState } from "react";
import { Bubble, wide } from "./Bubble";
import { Notification, TextOnly } from "./Modes";
import type { Action, LineMessage } from "./message";
import style from "./phone.module.css";
import { Replies } from "./Replies";
import { type Gap, type ResolveImage, SceneProvider } from "./scene";
import { words } from "./words";

export type Account = { name: string; picture?: string; verified?: boolean };
export type Shown = { id?: string; message: LineMessage; at?: string; own?: boolean; gaps?: Gap[] };
export type { Gap } from "./scene";

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
  showAreas?: boolean; // numbered outlines around what can be touched in a rich message
  onAction?: (action: Action, message: Shown) => void;
  // resolveImage gives the address that a picture is loaded from; without it none is loaded.
  resolveImage?: ResolveImage;
};

// LinePhone shows messages as LINE would. It takes exactly the JSON that LINE gets, fetches
// nothing and knows no router. What it cannot draw it says; it never leaves a blank.
export function LinePhone(props: Props) {
  const { account, messages, label, mode = "phone", language = "en" } = props;
  const say = words(language);
  if (mode === "notification")
    return <Notification account={account} last={messages.at(-1)} label={label} say={say} />;
  if (mode === "text") return <TextOnly messages={messages} label={label} say={say} />;
  return <Chat {...props} language={language} />;
}

// Chat is the phone with its messages. It remembers only which answers were tapped away.
function Chat(props: Props & { language: string }) {
  const { messages, account, language, resolveImage, onAction } = props;
  const [gone, setGone] = useState<LineMessage>();
  const say = words(language);
  const last = messages.at(-1);
  const scene = (m: Shown) => ({
    say,
    gaps: m.gaps ?? [],
    showAreas: props.showAreas,
    resolveImage,
    onAction: onAction && ((action: Action) => onAction(action, m)),
  });
  const replies = last && !last.own && last.message !== gone && (
    <SceneProvider value={scene(last)}>
      <Replies message={last.message} onTap={() => setGone(last.message)} />
    </SceneProvider>
  );
  return (
    <Frame {...props} above={replies}>
      {messages.map((m, i) => (
        <SceneProvider key={m.id ?? `${m.at ?? ""}-${i}`} value={scene(m)}>
          <Row
            shown={m}
            before={messages[i - 1]}
            account={account}
            language={language}
            resolveImage={resolveImage}
          />
        </SceneProvider>
      ))}
    </Frame>
  );
}

type FrameProps = Pick<Props, "account" | "label" | "width" | "scale" | "clock" | "input"> & {
  language?: string;
  above?: ReactNode; // what stands between chat and input bar
  children: ReactNode;
};

// Frame is the phone around a chat: bezel, status bar, header, and the bar below.
export function Frame(props: FrameProps) {
  const { account, label, width = 375, scale = 1, clock = "9:41", input, above, children } = props;
  const size = { width, zoom: scale, "--phone-width": `${width}px` } as CSSProperties;
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
      {above}
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
  resolveImage?: ResolveImage;
};

function Row({ shown, before, account, language, resolveImage }: RowProps) {
  const first = opens(shown, before);
  const at = shown.at ? new Date(shown.at) : undefined;
  const name = shown.message.sender?.name ?? account.name;
  const icon = shown.message.sender?.iconUrl ?? (shown.message.sender?.name ? undefined : account.picture);
  const source = icon ? resolveImage?.(icon) : undefined;
  return (
    <>
      {at && newDay(shown, before) && (
        <div className={style.day}>
          {at.toLocaleDateString(language, { month: "short", day: "numeric", weekday: "short" })}
        </div>
      )}
      <div className={shown.own ? style.own : style.row}>
        {!shown.own && (
          <Picture shown={first} name={name} source={typeof source === "string" ? source : undefined} />
        )}
        <div className={style.column}>
          {!shown.own && first && <div className={style.name}>{name}</div>}
          <div className={`${style.line} ${wide(shown.message) ? style.below : ""}`}>
            <Bubble message={shown.message} tail={first} />
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

export { pieces } from "./address";
