import { Carousel } from "./Carousel";
import { FlexBubble, flexWords } from "./Flex";
import { troubles } from "./limits";
import { AudioMessage, ImageMessage, Imagemap, LocationMessage, Sticker, VideoMessage } from "./Media";
import { type Json, type LineMessage, object, objects, text } from "./message";
import style from "./phone.module.css";
import { useScene } from "./scene";
import { TextBubble } from "./Text";
import { Sentences, Unknown } from "./Trouble";
import { asFlex } from "./template";
import type { Say } from "./words";

// Bubble is one message, and below it what LINE would refuse of it.
export function Bubble({ message, tail }: { message: LineMessage; tail: boolean }) {
  const { say } = useScene();
  const wrong = troubles(message, say);
  const red = wrong.length > 0;
  return (
    <div className={`${style.stack} ${wide(message) ? style.wide : ""}`}>
      {message.type.startsWith("text") ? (
        <TextBubble message={message} tail={tail} red={red} />
      ) : (
        <div className={`${style.holder} ${red ? style.red : ""}`}>
          <Content message={message} />
        </div>
      )}
      <Sentences sentences={wrong} />
    </div>
  );
}

function Content({ message }: { message: LineMessage }) {
  switch (message.type) {
    case "image":
      return <ImageMessage message={message} />;
    case "video":
      return <VideoMessage message={message} />;
    case "audio":
      return <AudioMessage message={message} />;
    case "location":
      return <LocationMessage message={message} />;
    case "sticker":
      return <Sticker message={message} />;
    case "imagemap":
      return <Imagemap message={message} />;
  }
  const container = containerOf(message);
  if (container?.type === "bubble") return <FlexBubble bubble={container} path="" />;
  if (container?.type === "carousel" && objects(container.contents).length > 0)
    return <Carousel cards={objects(container.contents)} />;
  return <Unknown path={container ? "/contents" : `type = ${message.type}`} />;
}

// containerOf is the Flex container of a message, also of a template, which looks like one.
function containerOf(message: LineMessage): Json | undefined {
  if (message.type === "flex") return object(message.contents) ?? {};
  if (message.type === "template") return asFlex(object(message.template) ?? {}) ?? undefined;
  return undefined;
}

// wide messages take the column; their time stands below them.
export function wide(message: LineMessage): boolean {
  if (message.type === "imagemap") return true;
  const container = containerOf(message);
  if (!container) return false;
  const size = text(container.size) || "mega";
  return container.type === "carousel" || ["mega", "giga", "kilo"].includes(size);
}

// plain is a message as one line, as in a notification.
export function plain(message: LineMessage, say: Say): string {
  switch (message.type) {
    case "text":
    case "textV2":
      return text(message.text) || say("phone.noText");
    case "flex":
    case "template":
    case "imagemap":
      return text(message.altText) || say("phone.noAlt");
    case "image":
      return say("phone.photo");
    case "video":
      return say("phone.video");
    case "audio":
      return say("phone.audio");
    case "location":
      return say("phone.location", { name: text(message.title) });
    case "sticker":
      return say("phone.sticker", { name: `${text(message.packageId)} / ${text(message.stickerId)}` });
  }
  return say("phone.unknown", { path: `type = ${message.type}` });
}

// inWords is all that a message says, line by line, with where its links lead.
export function inWords(message: LineMessage, say: Say): { text: string; to?: string }[] {
  const lines = [
    { text: plain(message, say) },
    ...(containerOf(message) ? flexWords(containerOf(message) ?? {}) : []),
  ];
  if (message.type === "imagemap")
    for (const a of objects(message.actions))
      lines.push({ text: text(a.label) || text(a.text) || text(a.linkUri), ...link(a) });
  for (const item of objects(message.quickReply?.items)) {
    const a = object(item.action) ?? {};
    lines.push({ text: text(a.label), ...link(a) });
  }
  return lines;
}

const link = (a: Json): { to?: string } =>
  text(a.uri) || text(a.linkUri) ? { to: text(a.uri) || text(a.linkUri) } : {};
