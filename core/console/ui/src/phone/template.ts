import { type Json, object, objects, text } from "./message";

// The older card messages have fixed looks. Each is drawn as the Flex message that looks
// the same; null where the type is not known.
export function asFlex(template: Json): Json | null {
  switch (text(template.type)) {
    case "buttons":
      return card(template, template);
    case "confirm":
      return bubble({ body: column([words(template)]), footer: row(objects(template.actions).map(button)) });
    case "carousel":
      return { type: "carousel", contents: objects(template.columns).map((c) => card(c, template)) };
    case "image_carousel":
      return { type: "carousel", contents: objects(template.columns).map(poster) };
  }
  return null;
}

const bubble = (parts: Json): Json => ({ type: "bubble", size: "kilo", ...parts });
const column = (contents: Json[], more: Json = {}): Json => ({
  type: "box",
  layout: "vertical",
  contents,
  ...more,
});
const row = (contents: Json[]): Json => ({ type: "box", layout: "horizontal", contents });
const button = (action: Json): Json => ({ type: "button", height: "sm", action });
const words = (t: Json): Json => ({
  type: "text",
  text: text(t.text),
  wrap: true,
  size: "sm",
  color: "#666666",
});

// card is a buttons template or one column of a carousel.
function card(t: Json, look: Json): Json {
  const title = text(t.title)
    ? [{ type: "text", text: t.title, weight: "bold", wrap: true, size: "md" }]
    : [];
  const hero = text(t.thumbnailImageUrl) && {
    type: "image",
    url: t.thumbnailImageUrl,
    size: "full",
    aspectRatio: look.imageAspectRatio === "square" ? "1:1" : "151:100",
    aspectMode: look.imageSize === "contain" ? "fit" : "cover",
    backgroundColor: t.imageBackgroundColor,
    action: object(t.defaultAction),
  };
  return bubble({
    ...(hero ? { hero } : {}),
    body: column([...title, words(t)], { spacing: "sm", action: object(t.defaultAction) }),
    footer: column(objects(t.actions).map(button)),
  });
}

// poster is one picture of an image carousel with its label across the lower edge.
function poster(t: Json): Json {
  const action = object(t.action);
  const label = {
    type: "box",
    layout: "vertical",
    position: "absolute",
    offsetBottom: "12px",
    offsetStart: "0px",
    offsetEnd: "0px",
    alignItems: "center",
    contents: [
      {
        type: "box",
        layout: "vertical",
        backgroundColor: "#00000099",
        cornerRadius: "16px",
        paddingAll: "6px",
        paddingStart: "14px",
        paddingEnd: "14px",
        contents: [{ type: "text", text: text(action?.label) || " ", size: "sm", color: "#ffffff" }],
      },
    ],
  };
  const picture = { type: "image", url: t.imageUrl, size: "full", aspectMode: "cover", aspectRatio: "1:1" };
  return bubble({
    size: "hecto",
    body: column([picture, ...(text(action?.label) ? [label] : [])], { paddingAll: "0px" }),
    action,
  });
}
