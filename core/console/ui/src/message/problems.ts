import { useTranslation } from "react-i18next";
import { type Kind, kindOf, type Problem } from "./model";
import { spoken } from "./TextField";

// labels are the editor's names of what LINE calls otherwise. Who writes JSON knows LINE's.
const labels: Partial<Record<Kind | "extras", Record<string, string>>> = {
  text: { text: "message.text" },
  image: { originalContentUrl: "message.picture", previewImageUrl: "message.picture" },
  video: { originalContentUrl: "message.video", previewImageUrl: "message.poster" },
  sticker: { packageId: "message.packageId", stickerId: "message.stickerId" },
  imagemap: { baseUrl: "message.picture", linkUri: "message.link" },
  cards: { url: "message.picture", text: "message.text", label: "message.label", uri: "message.link" },
  extras: { label: "message.label", uri: "message.link", text: "message.label" },
};

// useProblems puts problems of a message with these blocks into words.
export function useProblems(blocks: string[]) {
  const { t } = useTranslation();
  return (p: Problem) => {
    const kind = p.block < 0 ? "extras" : kindOf(blocks[p.block] ?? "");
    const data: Record<string, unknown> = { ...p.data };
    if (typeof data.name === "string") data.name = spoken(data.name, t);
    const label = typeof data.field === "string" && labels[kind]?.[data.field];
    if (label) data.field = t(label);
    const text = t(`problem.${p.code}`, data);
    return kind === "json" && p.line && data.line === undefined
      ? t("problem.onLine", { line: p.line, text })
      : text;
  };
}

// placeOf is the id of the part of the editor that a problem is about.
export function placeOf(p: Problem): string | undefined {
  const path = p.path ?? "";
  if (p.block >= 0) return `block-${p.block + 1}`;
  if (path.startsWith("utm_")) return "campaign";
  return /^(quickReply|sender)\b/.test(path) ? "extras" : undefined;
}

// show puts the keyboard where a problem is: on the field that says it, else where its part begins.
export function show(place: string, sentence: string) {
  const part = document.getElementById(place);
  const wrong = [...(part?.querySelectorAll<HTMLElement>("[aria-invalid=true]") ?? [])];
  const says = (e: HTMLElement) =>
    (e.getAttribute("aria-describedby") ?? "")
      .split(" ")
      .some((id) => document.getElementById(id)?.textContent === sentence);
  const field =
    wrong.find(says) ??
    wrong[0] ??
    part?.querySelector<HTMLElement>("[role=textbox], input, textarea") ??
    part;
  field?.scrollIntoView({ block: "center" });
  field?.focus();
}
