import { Anchor, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { usePlace } from "../place";
import { refusalOf } from "./lineWords";
import { useFormat } from "./useFormat";

type Data = Record<string, unknown>;
type Next = { text: string; to: string };

// Where each reason's next step leads, once its screen exists.
const steps: Record<string, [text: string, path: string, of?: "shop"]> = {
  unlinked: ["sendQr", "linking/qr"],
  not_friend: ["sendQr", "linking/qr"],
  empty_recipient: ["getJson", "flows/settings"],
  group_id: ["getJson", "flows/settings"],
  bad_body: ["getJson", "flows/settings"],
  other_account: ["getJson", "flows/settings"],
  bad_shape: ["getJson", "flows/settings"],
  unknown_message: ["chooseMessage", "messages"],
  too_long: ["editMessage", "messages"],
  over_limit: ["editMessage", "messages"],
  line_refused: ["editMessage", "messages"],
  "line_refused.person": ["connections", "settings/connections", "shop"],
  account_fails: ["connections", "settings/connections", "shop"],
  no_key: ["flowSettings", "flows/settings"],
  wrong_key: ["flowSettings", "flows/settings"],
  quota: ["quota", "quota"],
  cap: ["sendingRules", "settings/sending"],
  too_late: ["sendingRules", "settings/sending"],
  quiet_hours: ["sendingRules", "settings/sending"],
  quiet_hours_wait: ["sendingRules", "settings/sending"],
  left_segment: ["openSegment", "segments"],
  no_content: ["editMessage", "messages"],
  late_event: ["howToFix", "flows?reason=late_event"],
};

export const reasonSteps = steps;

// The step of these is a button beside the sentence: send now or again, open the first call,
// resume.
export const stepsBeside = ["duplicate", "hold_expired", "dropped", "unconfirmed", "stopped"];

// These are facts: nobody here can change them, or they pass by themselves.
export const withoutStep = [
  "blocked",
  "erased",
  "holdout",
  "rate",
  "unanswered",
  "bad_signature",
  "event_wait",
];

// The codes that a call or a message can end or wait with, as the Flow doctor filters by them.
// The list of all codes is the core's; a test holds texts and steps against it.
export const reasonCodes = [
  "unlinked",
  "not_friend",
  "blocked",
  "empty_recipient",
  "duplicate",
  "cap",
  "too_late",
  "quiet_hours",
  "hold_expired",
  "dropped",
  "no_content",
  "too_long",
  "erased",
  "stopped",
  "quota",
  "rate",
  "quiet_hours_wait",
  "event_wait",
  "account_fails",
  "line_refused",
  "unanswered",
  "unconfirmed",
  "wrong_key",
  "no_key",
  "bad_shape",
  "bad_body",
  "unknown_message",
  "other_account",
  "group_id",
  "over_limit",
  "late_event",
] as const;

// These are reasons of broadcasts to a segment, or of a signature, which a flow's call does not carry.
export const otherReasons = ["left_segment", "holdout", "bad_signature"];

const times = ["date", "time", "at", "until"];

// useReason gives the sentence of a reason code (UX 2.3), with what is known filled in.
export function useReason() {
  const { t, i18n } = useTranslation();
  const f = useFormat();
  return (code: string | undefined, data: Data = {}) => {
    if (!code) return "";
    const values: Data = {
      ...blanks,
      ...data,
      n: data.n ?? data.over ?? "-",
      h: data.h ?? data.hours ?? "-",
      m: data.limit ?? "-",
    };
    for (const name of times)
      if (typeof data[name] === "string")
        values[name] = name === "date" ? f.day(data[name]) : f.moment(data[name]);
    const time = data.time ?? data.at ?? data.until;
    if (typeof time === "string") values.time = f.moment(time);
    const told = code === "line_refused" && refusalOf(lineWords(data), t);
    if (told && data.why !== "person") return told;
    const key = variant(code, data, (one) => i18n.exists(one));
    return i18n.exists(key) ? t(key, values) : t("reason.other");
  };
}

const blanks: Data = {
  date: "-",
  name: "-",
  time: "-",
  at: "-",
  line: "-",
  last4: "-",
  words: "-",
  status: "-",
  d: "-",
};

// variant is the key of a reason's sentence; some causes of a reason have one of their own.
function variant(code: string, data: Data, exists: (key: string) => boolean) {
  const key = `reason.${code}.${data.why}`;
  return exists(key) ? key : `reason.${code}`;
}

const lineWords = (data?: Data) => (typeof data?.words === "string" ? data.words : "");

// LineWords are LINE's own, below the sentence that we made of them: its support asks for them.
export function LineWords({ code, data }: { code?: string; data?: Data }) {
  const { t } = useTranslation();
  const words = lineWords(data);
  if (code !== "line_refused" || !words || !refusalOf(words, t)) return null;
  return (
    <details>
      <summary>{t("message.details")}</summary>
      <Text size="xs" style={{ overflowWrap: "anywhere" }}>
        {t("reason.line_refused.words", { words })}
      </Text>
    </details>
  );
}

// useShortReason names a reason in a few words, where its details are not known.
export function useShortReason() {
  const { t, i18n } = useTranslation();
  return (code: string) => {
    const key = `reason.short.${code}`;
    return t(i18n.exists(key) ? key : "reason.short.other");
  };
}

// useNextStep gives the button that belongs to a reason, where its screen exists.
export function useNextStep() {
  const { t } = useTranslation();
  const { base, shop, exists } = usePlace();
  return (code: string | undefined, why?: unknown): Next | undefined => {
    const step = code ? (steps[`${code}.${why}`] ?? steps[code]) : undefined;
    return step && exists(step[1].split("?")[0] ?? "")
      ? { text: t(`reason.next.${step[0]}`), to: `${step[2] ? shop : base}/${step[1]}` }
      : undefined;
  };
}

// Reason is the sentence with its next step.
export function Reason({ code, data, next = true }: { code?: string; data?: Data; next?: boolean }) {
  const sentence = useReason();
  const step = useNextStep();
  if (!code) return null;
  const to = next ? step(code, data?.why) : undefined;
  return (
    <Group gap="xs">
      <Text size="sm" span>
        {sentence(code, data)}
      </Text>
      {to && (
        <Anchor component={Link} to={to.to} size="sm">
          {to.text}
        </Anchor>
      )}
    </Group>
  );
}
