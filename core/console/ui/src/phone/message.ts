// The messages of LINE's Messaging API, as they go over the wire, and how the phone reads
// them. Merchants write JSON of their own, so the phone takes nothing for granted: it reads
// field by field, and what it does not know it shows as unknown.

export type Json = { [field: string]: unknown };

export type Action =
  | { type: "uri"; uri: string; label?: string; altUri?: { desktop: string } }
  | { type: "message"; text: string; label?: string }
  | {
      type: "postback";
      data: string;
      label?: string;
      displayText?: string;
      text?: string;
      inputOption?: string;
      fillInText?: string;
    }
  | {
      type: "datetimepicker";
      data: string;
      mode: "date" | "time" | "datetime";
      label?: string;
      initial?: string;
      max?: string;
      min?: string;
    }
  | { type: "clipboard"; clipboardText: string; label?: string }
  | { type: "camera" | "cameraRoll" | "location"; label?: string }
  | { type: "richmenuswitch"; richMenuAliasId: string; data: string; label?: string };

export type Sender = { name?: string; iconUrl?: string };
export type QuickReplyItem = { type: "action"; imageUrl?: string; action: Action };
// Extras are the parts that a message of any type may have.
export type Extras = { sender?: Sender; quickReply?: { items: QuickReplyItem[] } };

export type TextMessage = Extras & {
  type: "text";
  text: string;
  emojis?: { index: number; productId: string; emojiId: string }[];
};
export type TextV2Message = Extras & { type: "textV2"; text: string; substitution?: { [key: string]: Json } };
export type ImageMessage = Extras & { type: "image"; originalContentUrl: string; previewImageUrl: string };
export type VideoMessage = Extras & {
  type: "video";
  originalContentUrl: string;
  previewImageUrl: string;
  trackingId?: string;
};
export type AudioMessage = Extras & { type: "audio"; originalContentUrl: string; duration: number };
export type LocationMessage = Extras & {
  type: "location";
  title: string;
  address: string;
  latitude: number;
  longitude: number;
};
export type StickerMessage = Extras & { type: "sticker"; packageId: string; stickerId: string };

export type Area = { x: number; y: number; width: number; height: number };
export type ImagemapAction =
  | { type: "uri"; linkUri: string; area: Area; label?: string }
  | { type: "message"; text: string; area: Area; label?: string }
  | { type: "clipboard"; clipboardText: string; area: Area; label?: string };
export type ImagemapMessage = Extras & {
  type: "imagemap";
  baseUrl: string;
  altText: string;
  baseSize: { width: number; height: number };
  actions: ImagemapAction[];
  video?: {
    originalContentUrl: string;
    previewImageUrl: string;
    area: Area;
    externalLink?: { linkUri: string; label: string };
  };
};

export type TemplateMessage = Extras & { type: "template"; altText: string; template: Json };

export type BubbleSize = "nano" | "micro" | "deca" | "hecto" | "kilo" | "mega" | "giga";
export type FlexBox = Json & {
  type: "box";
  layout: "horizontal" | "vertical" | "baseline";
  contents: FlexComponent[];
};
export type FlexComponent = Json & { type: string };
export type FlexBubble = {
  type: "bubble";
  size?: BubbleSize;
  direction?: "ltr" | "rtl";
  header?: FlexBox;
  hero?: FlexComponent;
  body?: FlexBox;
  footer?: FlexBox;
  styles?: {
    [part in "header" | "hero" | "body" | "footer"]?: {
      backgroundColor?: string;
      separator?: boolean;
      separatorColor?: string;
    };
  };
  action?: Action;
};
export type FlexCarousel = { type: "carousel"; contents: FlexBubble[] };
export type FlexMessage = Extras & { type: "flex"; altText: string; contents: FlexBubble | FlexCarousel };

// Message is one that we know; LineMessage is any JSON that may be one.
export type Message =
  | TextMessage
  | TextV2Message
  | ImageMessage
  | VideoMessage
  | AudioMessage
  | LocationMessage
  | StickerMessage
  | ImagemapMessage
  | TemplateMessage
  | FlexMessage;
export type LineMessage = Extras & { type: string } & Json;

export const text = (v: unknown): string => (typeof v === "string" ? v : "");
export const number = (v: unknown): number | undefined =>
  typeof v === "number" && Number.isFinite(v) ? v : undefined;
export const object = (v: unknown): Json | undefined =>
  v !== null && typeof v === "object" && !Array.isArray(v) ? (v as Json) : undefined;
export const list = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);
export const objects = (v: unknown): Json[] => list(v).map((one) => object(one) ?? {});

// action reads an action of a component; an imagemap calls its address linkUri.
export function action(v: unknown): Action | undefined {
  const a = object(v);
  if (!a || !text(a.type)) return undefined;
  if (a.type === "uri") return { ...a, type: "uri", uri: text(a.uri) || text(a.linkUri) };
  return a as Action;
}
