import { Fragment, type ReactNode } from "react";
import { hostOf, pieces } from "./address";
import { type LineMessage, number, object, objects, text } from "./message";
import style from "./phone.module.css";
import { type Gap, useScene } from "./scene";

// A place in a text where something other than text stands.
type Mark = { at: number; skip: number; node: ReactNode };

// GapText is a text with a pill at each variable that had no value.
export function GapText({ path, children }: { path: string; children: string }) {
  const { gaps, say } = useScene();
  const marks = pills(
    gaps.filter((g) => g.path === path),
    (name) => say("phone.empty", { name }),
  );
  return <Marked text={children} marks={marks} />;
}

function pills(gaps: Gap[], words: (name: string) => string): Mark[] {
  return gaps.map((g) => ({ at: g.at, skip: 0, node: <span className={style.pill}>{words(g.name)}</span> }));
}

// Marked puts marks into a text; links makes its addresses touchable.
function Marked({ text: whole, marks, links }: { text: string; marks: Mark[]; links?: boolean }) {
  const out: ReactNode[] = [];
  let from = 0;
  const words = (to: number) => {
    const part = whole.slice(from, to);
    if (part) out.push(links ? <Linked text={part} /> : part);
  };
  for (const mark of [...marks].sort((a, b) => a.at - b.at)) {
    const at = Math.min(Math.max(mark.at, from), whole.length);
    words(at);
    out.push(mark.node);
    from = at + mark.skip;
  }
  words(whole.length);
  return out.map((node, i) => <Fragment key={i}>{node}</Fragment>);
}

function Linked({ text: part }: { text: string }) {
  const { onAction } = useScene();
  return pieces(part).map((piece, i) => {
    const { uri } = piece;
    if (!uri) return <Fragment key={i}>{piece.text}</Fragment>;
    if (!onAction)
      return (
        <span key={i} className={style.underlined}>
          {piece.text}
        </span>
      );
    return (
      <button key={i} type="button" className={style.link} onClick={() => onAction({ type: "uri", uri })}>
        {piece.text}
      </button>
    );
  });
}

// Face stands for an emoji or sticker of LINE's, which are not ours to draw.
export const Face = ({ size }: { size: number | string }) => (
  <svg className={style.face} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
    <circle cx="12" cy="12" r="11" fill="#ffd96a" stroke="#b98900" />
    <circle cx="8.3" cy="10" r="1.6" fill="#5b4300" />
    <circle cx="15.7" cy="10" r="1.6" fill="#5b4300" />
    <path
      d="M7 14.5c1.2 2 3 3 5 3s3.800-1 5-3"
      fill="none"
      stroke="#5b4300"
      strokeWidth="1.8"
      strokeLinecap="round"
    />
  </svg>
);

// TextBubble is a text message. Below it LINE puts a preview of the first page it links to.
export function TextBubble({ message, tail, red }: { message: LineMessage; tail: boolean; red: boolean }) {
  const { gaps, say } = useScene();
  const words = text(message.text);
  const own = gaps.filter((g) => (g.path ?? "/text") === "/text");
  if (!words && own.length === 0) return <div className={style.unknown}>{say("phone.noText")}</div>;
  const marks = [
    ...pills(own, (name) => say("phone.empty", { name })),
    ...emojis(message),
    ...parts(message),
  ];
  const address = pieces(words).find((p) => p.uri)?.uri;
  return (
    <>
      <div className={`${style.bubble} ${tail ? style.tail : ""} ${red ? style.red : ""}`}>
        <Marked text={words} marks={marks} links />
      </div>
      {address && <PageCard address={address} />}
    </>
  );
}

// emojis stand where a text has a $ and an entry that says so.
function emojis(message: LineMessage): Mark[] {
  const words = text(message.text);
  return objects(message.emojis)
    .map((e) => number(e.index) ?? -1)
    .filter((at) => words[at] === "$")
    .map((at) => ({ at, skip: 1, node: <Face size="1.25em" /> }));
}

// parts are the {keys} of a textV2 message.
function parts(message: LineMessage): Mark[] {
  if (message.type !== "textV2") return [];
  const marks: Mark[] = [];
  for (const match of text(message.text).matchAll(/\{(\w{1,20})\}/g)) {
    const part = object(object(message.substitution)?.[match[1] ?? ""]);
    if (!part) continue;
    const node =
      part.type === "emoji" ? <Face size="1.25em" /> : <span className={style.mention}>@{match[1]}</span>;
    marks.push({ at: match.index, skip: match[0].length, node });
  }
  return marks;
}

// PageCard stands where LINE puts its preview of a page; nothing is loaded for it.
function PageCard({ address }: { address: string }) {
  const { say } = useScene();
  return (
    <div className={style.page}>
      <span className={style.pagePicture} aria-hidden="true" />
      <span className={style.pageHost}>{hostOf(address)}</span>
      <span className={style.pageNote}>{say("phone.card")}</span>
    </div>
  );
}
