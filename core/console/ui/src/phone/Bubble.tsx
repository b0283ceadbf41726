import { Fragment } from "react";
import type { LineMessage } from "../api";
import type { Action, Gap, Shown } from "./LinePhone";
import style from "./phone.module.css";
import type { Say } from "./words";

const longest = 5000; // UTF-16 units, as LINE counts

type Props = { shown: Shown; tail: boolean; say: Say; onAction?: (a: Action) => void };

// Bubble is one message. Trouble is shown: an empty variable, too much text, an unknown type.
export function Bubble({ shown, tail, say, onAction }: Props) {
  const { message, gaps } = shown;
  if (message.type !== "text")
    return <div className={style.unknown}>{say("phone.unknown", { path: `type = ${message.type}` })}</div>;
  const text = message.text ?? "";
  if (!text && !gaps?.length) return <div className={style.unknown}>{say("phone.noText")}</div>;
  const tooLong = text.length > longest;
  const address = pieces(text).find((p) => p.uri)?.uri;
  return (
    <div className={style.stack}>
      <div className={`${style.bubble} ${tail ? style.tail : ""} ${tooLong ? style.tooLong : ""}`}>
        {split(text, gaps).map((p, i) => (
          <Fragment key={`${i}-${p.text}`}>
            {p.gap && <span className={style.pill}>{say("phone.empty", { name: p.gap })}</span>}
            <Piece piece={p} onAction={onAction} />
          </Fragment>
        ))}
      </div>
      {tooLong && (
        <div className={style.trouble}>{say("phone.tooLong", { length: text.length, most: longest })}</div>
      )}
      {address && <Card address={address} say={say} />}
    </div>
  );
}

// Card stands where LINE puts its preview of a page; nothing is loaded for it.
function Card({ address, say }: { address: string; say: Say }) {
  return (
    <div className={style.page}>
      <span className={style.pagePicture} aria-hidden="true" />
      <span className={style.pageHost}>{hostOf(address)}</span>
      <span className={style.pageNote}>{say("phone.card")}</span>
    </div>
  );
}

export function hostOf(address: string): string {
  try {
    return new URL(address).host;
  } catch {
    return address;
  }
}

type PieceData = { text: string; uri?: string; gap?: string };

// pieces splits a text into words and web addresses; an address ends before closing punctuation.
export function pieces(text: string): PieceData[] {
  const out: PieceData[] = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[!#-;=?-~]+/g)) {
    const uri = match[0].replace(/[.,;:!?)\]}']+$/, "");
    if (match.index > end) out.push({ text: text.slice(end, match.index) });
    out.push({ text: uri, uri });
    end = match.index + uri.length;
  }
  if (end < text.length) out.push({ text: text.slice(end) });
  return out;
}

// split cuts at the places of empty variables, then each part at its addresses.
function split(text: string, gaps: Gap[] = []): PieceData[] {
  const out: PieceData[] = [];
  let from = 0;
  let name: string | undefined;
  const part = (to: number) => {
    const [first, ...rest] = pieces(text.slice(from, to));
    out.push({ ...(first ?? { text: "" }), gap: name }, ...rest);
    from = to;
  };
  for (const gap of [...gaps].sort((a, b) => a.at - b.at)) {
    part(Math.min(Math.max(gap.at, from), text.length));
    name = gap.name;
  }
  part(text.length);
  return out;
}

function Piece({ piece, onAction }: { piece: PieceData; onAction?: (a: Action) => void }) {
  const uri = piece.uri;
  if (!uri) return <>{piece.text}</>;
  if (!onAction) return <span className={style.underlined}>{piece.text}</span>;
  return (
    <button type="button" className={style.link} onClick={() => onAction({ type: "uri", uri })}>
      {piece.text}
    </button>
  );
}

// plain is a message as one line of text.
export function plain(message: LineMessage, say: Say): string {
  if (message.type !== "text") return say("phone.unknown", { path: `type = ${message.type}` });
  return message.text || say("phone.noText");
}
