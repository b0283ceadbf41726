import type { CSSProperties, ReactNode } from "react";
import { Img } from "./Img";
import * as flex from "./layout";
import { action, type Json, object, objects, text } from "./message";
import style from "./phone.module.css";
import { useScene } from "./scene";
import { actionName, Tap } from "./Tap";
import { GapText } from "./Text";
import { Unknown } from "./Trouble";

type At = { path: string };

// Bubble is one card of a Flex message. path leads to it from the message's contents, the
// way LINE names places in its refusals.
export function FlexBubble({ bubble, path }: { bubble: Json } & At) {
  const size = flex.bubbleWidth[text(bubble.size)] ? text(bubble.size) : "mega";
  const parts = ["header", "hero", "body", "footer"].filter((part) => bubble[part] !== undefined);
  const css: CSSProperties = { width: flex.bubbleWidth[size], borderRadius: flex.radius(size) };
  return (
    <Tap action={action(bubble.action)} className={style.card} css={css}>
      <div dir={bubble.direction === "rtl" ? "rtl" : undefined} className={style.cardInside}>
        {parts.length === 0 && <Unknown path={path || "/"} />}
        {parts.map((part) => (
          <Part key={part} part={part} bubble={bubble} size={size} path={`${path}/${part}`} />
        ))}
      </div>
    </Tap>
  );
}

type PartProps = { part: string; bubble: Json; size: string } & At;

function Part({ part, bubble, size, path }: PartProps) {
  const content = object(bubble[part]) ?? {};
  const look = object(object(bubble.styles)?.[part]);
  const css: CSSProperties = { backgroundColor: flex.color(look?.backgroundColor) };
  if (look?.separator === true) css.borderTop = `1px solid ${flex.color(look.separatorColor) ?? "#d4d6da"}`;
  const fits = part === "hero" ? ["box", "image", "video"] : ["box"];
  if (!fits.includes(text(content.type))) return <Unknown path={path} />;
  const pad = { header: flex.bodyPadding(size), body: flex.bodyPadding(size), footer: "10px" }[part];
  const column = { type: "box", layout: "vertical" };
  return (
    <div className={part === "body" ? style.cardBody : style.cardPart} style={css}>
      <Component c={content} parent={column} index={0} path={path} pad={pad} />
    </div>
  );
}

type ComponentProps = { c: Json; parent: Json; index: number; pad?: string } & At;

// Component is any part of a box.
function Component({ c, parent, index, path, pad }: ComponentProps) {
  const place = flex.placeStyle(c, parent, index);
  switch (text(c.type)) {
    case "box":
      return <Box box={c} place={place} path={path} pad={pad} />;
    case "text":
      return <FlexText c={c} place={place} path={path} />;
    case "image":
      return <Image c={c} place={place} />;
    case "icon":
      return <Icon c={c} place={place} />;
    case "button":
      return <Button c={c} place={place} path={path} />;
    case "video":
      return <Video c={c} place={place} />;
    case "separator":
      return <Separator c={c} place={place} parent={parent} />;
    case "filler":
      return <div style={place} />;
    case "spacer":
      return <div style={{ ...place, padding: `calc(${flex.gap(c.size) ?? "8px"} / 2)` }} />;
  }
  return (
    <div style={place}>
      <Unknown path={path} />
    </div>
  );
}

function Box({ box, place, path, pad }: { box: Json; place: CSSProperties; pad?: string } & At) {
  if (!["vertical", "horizontal", "baseline"].includes(text(box.layout)))
    return <Unknown path={`${path}/layout`} />;
  if (!Array.isArray(box.contents)) return <Unknown path={`${path}/contents`} />;
  const css = { ...flex.boxStyle(box), ...place };
  if (pad) Object.assign(css, { padding: pad, flexGrow: 1 }, flex.padding(box));
  return (
    <Tap action={action(box.action)} css={css}>
      {flex.contents(box).map((c, i) => (
        <Component key={`${i}-${text(c.type)}`} c={c} parent={box} index={i} path={`${path}/contents/${i}`} />
      ))}
    </Tap>
  );
}

function FlexText({ c, place, path }: { c: Json; place: CSSProperties } & At) {
  const spans = objects(c.contents);
  if (!text(c.text) && spans.length === 0) return <EmptyText place={place} path={path} />;
  const css: CSSProperties = { ...place, justifyContent: flex.upright(c.gravity) };
  return (
    <Tap action={action(c.action)} className={style.flexText} css={css}>
      <div className={style.paragraph} style={flex.paragraphStyle(c)}>
        {spans.length > 0 ? (
          spans.map((span, i) => (
            <span key={`${i}-${text(span.text)}`} style={flex.textStyle(span)}>
              <GapText path={`/contents${path}/contents/${i}/text`}>{text(span.text)}</GapText>
            </span>
          ))
        ) : (
          <GapText path={`/contents${path}/text`}>{text(c.text)}</GapText>
        )}
      </div>
    </Tap>
  );
}

// EmptyText is a text that is nothing but an empty variable, or nothing at all.
function EmptyText({ place, path }: { place: CSSProperties } & At) {
  const { gaps } = useScene();
  const at = `/contents${path}/text`;
  if (!gaps.some((g) => g.path === at))
    return (
      <div style={place}>
        <Unknown path={`${path}/text`} />
      </div>
    );
  return (
    <div style={place}>
      <GapText path={at}>{""}</GapText>
    </div>
  );
}

function Image({ c, place }: { c: Json; place: CSSProperties }) {
  const size = flex.pictureSize(c.size);
  const css: CSSProperties = {
    ...place,
    justifyContent: flex.sideways(c.align),
    alignItems: flex.upright(c.gravity),
  };
  const fit: CSSProperties = {
    width: size,
    maxWidth: "100%",
    aspectRatio: flex.ratio(c.aspectRatio),
    objectFit: c.aspectMode === "cover" ? "cover" : "contain",
    backgroundColor: flex.color(c.backgroundColor),
  };
  return (
    <Tap action={action(c.action)} className={style.flexImage} css={css}>
      <Img address={text(c.url)} css={fit} />
    </Tap>
  );
}

function Icon({ c, place }: { c: Json; place: CSSProperties }) {
  const css: CSSProperties = {
    ...place,
    height: flex.iconSize(c.size),
    aspectRatio: flex.ratio(c.aspectRatio),
  };
  return (
    <span className={style.icon} style={css}>
      <Img address={text(c.url)} css={{ width: "100%", height: "100%", objectFit: "contain" }} />
    </span>
  );
}

function Video({ c, place }: { c: Json; place: CSSProperties }) {
  const fit: CSSProperties = { width: "100%", aspectRatio: flex.ratio(c.aspectRatio), objectFit: "cover" };
  return (
    <Tap action={action(c.action)} className={style.video} css={place}>
      <Img address={text(c.previewUrl)} css={fit} />
      <Triangle />
    </Tap>
  );
}

export const Triangle = () => (
  <svg className={style.triangle} width="52" height="52" viewBox="0 0 52 52" aria-hidden="true">
    <circle cx="26" cy="26" r="25" fill="#000" fillOpacity="0.45" stroke="#fff" strokeWidth="2" />
    <path d="M21 16v20l16-10z" fill="#fff" />
  </svg>
);

function Button({ c, place, path }: { c: Json; place: CSSProperties } & At) {
  const { onAction, say } = useScene();
  const does = action(c.action);
  if (!does)
    return (
      <div style={place}>
        <Unknown path={`${path}/action`} />
      </div>
    );
  const kind = ["primary", "secondary"].includes(text(c.style)) ? text(c.style) : "link";
  const tone = flex.color(c.color);
  const css: CSSProperties = {
    height: c.height === "sm" ? 40 : 52,
    backgroundColor: kind === "link" ? undefined : tone,
    color: kind === "link" ? tone : undefined,
  };
  const look = `${style.button} ${kind === "link" ? style.linkButton : style[kind]}`;
  const label: ReactNode = <span className={style.label}>{actionName(does, say)}</span>;
  return (
    <div style={{ ...place, display: "flex", alignItems: flex.upright(c.gravity) }}>
      {onAction ? (
        <button
          type="button"
          className={look}
          style={css}
          onClick={(e) => {
            e.stopPropagation();
            onAction(does);
          }}
        >
          {label}
        </button>
      ) : (
        <span className={look} style={css}>
          {label}
        </span>
      )}
    </div>
  );
}

function Separator({ c, place, parent }: { c: Json; place: CSSProperties; parent: Json }) {
  const across = text(parent.layout) === "vertical";
  const css: CSSProperties = {
    ...place,
    alignSelf: "stretch",
    backgroundColor: flex.color(c.color) ?? "#d4d6da",
  };
  return <div style={{ ...css, ...(across ? { height: 1 } : { width: 1 }) }} />;
}

// words collects the texts of a container in reading order, each with where its tap leads.
export function flexWords(container: Json): { text: string; to?: string }[] {
  const out: { text: string; to?: string }[] = [];
  const walk = (c: Json) => {
    const a = object(c.action);
    const to = text(a?.uri) || undefined;
    const own =
      text(c.text) ||
      objects(c.contents)
        .filter((s) => s.type === "span")
        .map((s) => text(s.text))
        .join("");
    if (c.type === "text" && own) out.push({ text: own, to });
    if (c.type === "button") out.push({ text: text(a?.label), to });
    if (c.type !== "text") {
      for (const part of ["header", "hero", "body", "footer"])
        if (object(c[part])) walk(object(c[part]) ?? {});
      for (const inner of objects(c.contents)) walk(inner);
    }
  };
  walk(container);
  return out;
}
