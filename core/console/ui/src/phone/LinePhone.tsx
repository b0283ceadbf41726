import type { LineMessage } from "../api";
import style from "./phone.module.css";

export type Account = { name: string; picture?: string; verified?: boolean };
export type Shown = { message: LineMessage; at?: string; own?: boolean };
export type Action = { type: "uri"; uri: string };

type Props = {
  account: Account;
  messages: Shown[];
  label: string; // names the region: "Preview of ..."
  mode?: "phone" | "notification" | "text";
  onAction?: (action: Action) => void;
};

// LinePhone shows messages as LINE would. It takes exactly the JSON that LINE gets, fetches
// nothing and knows no router. What it cannot draw it says; it never leaves a blank.
export function LinePhone({ account, messages, label, mode = "phone", onAction }: Props) {
  if (mode === "notification") return <Notification account={account} messages={messages} label={label} />;
  if (mode === "text")
    return (
      <section aria-label={label} className={style.text}>
        {messages.map((m, i) => (
          <p key={keyOf(m, i)}>{plain(m.message)}</p>
        ))}
      </section>
    );
  return (
    <section aria-label={label} className={style.phone}>
      <div className={style.header}>
        <span aria-hidden="true">‹</span> {account.name}{" "}
        {account.verified && <span aria-hidden="true">🛡</span>}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the chat scrolls, and keys must reach it */}
      <div className={style.chat} tabIndex={0} role="log">
        {messages.map((m, i) => (
          <Row
            key={keyOf(m, i)}
            shown={m}
            account={account}
            first={isFirst(messages, i)}
            onAction={onAction}
          />
        ))}
      </div>
      <div className={style.input} aria-hidden="true">
        ＋ <span className={style.field}>Aa</span>
      </div>
    </section>
  );
}

const keyOf = (m: Shown, i: number) => `${m.at ?? ""}-${i}`;

// isFirst tells whether a message begins a group: another side or another sender spoke before.
function isFirst(messages: Shown[], i: number): boolean {
  const before = messages[i - 1];
  const now = messages[i];
  return (
    !before || !now || before.own !== now.own || before.message.sender?.name !== now.message.sender?.name
  );
}

function Row({
  shown,
  account,
  first,
  onAction,
}: {
  shown: Shown;
  account: Account;
  first: boolean;
  onAction?: (a: Action) => void;
}) {
  const name = shown.message.sender?.name ?? account.name;
  const time = shown.at
    ? new Date(shown.at).toLocaleTimeString("ja-JP", { hour: "2-digit", minute: "2-digit" })
    : "";
  return (
    <div className={shown.own ? style.own : style.row}>
      {!shown.own && (
        <span className={first ? style.picture : style.noPicture} aria-hidden="true">
          {first ? [...name][0] : ""}
        </span>
      )}
      <div className={style.column}>
        {!shown.own && first && <div className={style.name}>{name}</div>}
        <div className={style.line}>
          <Content message={shown.message} onAction={onAction} first={first} />
          <span className={style.time}>{time}</span>
        </div>
      </div>
    </div>
  );
}

const longest = 5000;

function Content({
  message,
  onAction,
  first,
}: {
  message: LineMessage;
  onAction?: (a: Action) => void;
  first: boolean;
}) {
  if (message.type !== "text") return <div className={style.unknown}>messages[].type = {message.type}</div>;
  const text = message.text ?? "";
  const trouble = text.length > longest ? style.tooLong : "";
  return (
    <div className={`${style.bubble} ${first ? style.tail : ""} ${trouble}`}>
      {pieces(text).map((p, i) => (
        <Piece key={`${i}-${p.text}`} piece={p} onAction={onAction} />
      ))}
    </div>
  );
}

type PieceData = { text: string; uri?: string };

// pieces splits a text into words and web addresses; an address ends before closing punctuation.
export function pieces(text: string): PieceData[] {
  const out: PieceData[] = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s\u3000-\u303f\uff00-\uffef<>"]+/g)) {
    const uri = match[0].replace(/[.,;:!?)\]}]+$/, "");
    if (match.index > end) out.push({ text: text.slice(end, match.index) });
    out.push({ text: uri, uri });
    end = match.index + uri.length;
  }
  if (end < text.length) out.push({ text: text.slice(end) });
  return out;
}

function Piece({ piece, onAction }: { piece: PieceData; onAction?: (a: Action) => void }) {
  if (!piece.uri) return <>{piece.text}</>;
  const uri = piece.uri;
  return (
    <button type="button" className={style.link} onClick={() => onAction?.({ type: "uri", uri })}>
      {piece.text}
    </button>
  );
}

function plain(message: LineMessage): string {
  return message.type === "text" ? (message.text ?? "") : `messages[].type = ${message.type}`;
}

function Notification({ account, messages, label }: { account: Account; messages: Shown[]; label: string }) {
  const last = messages[messages.length - 1];
  return (
    <section aria-label={label} className={style.notification}>
      <strong>{account.name}</strong>
      <div className={style.two}>{last ? plain(last.message) : ""}</div>
    </section>
  );
}
