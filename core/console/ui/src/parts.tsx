import { Alert, Badge, Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "./api";

// Loading shows nothing for 150 ms, then the shape of what comes.
export function Loading() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <Stack p="md" aria-busy="true">
      <Skeleton height={28} width={220} />
      <Skeleton height={80} />
      <Skeleton height={160} />
    </Stack>
  );
}

// Failed says what could not be done, and offers the next step.
export function Failed({ error, again, what }: { error: Error; again?: () => void; what: string }) {
  const { t } = useTranslation();
  const request = error instanceof ApiError && error.request ? ` (${error.request})` : "";
  return (
    <Alert color="red" variant="light" title={t(what)} role="alert">
      <Group>
        <Text size="sm">
          {(error instanceof ApiError && error.message) || t("common.unreachable")}
          {request}
        </Text>
        {again && (
          <Button size="xs" variant="default" onClick={again}>
            {t("common.again")}
          </Button>
        )}
      </Group>
    </Alert>
  );
}

// Text and tint of each kind of state, light and dark, with measured contrast.
const tones = {
  good: ["light-dark(#14663a, #6fd196)", "light-dark(#e0f3e6, #15301f)"],
  held: ["light-dark(#7a4b00, #f2be5c)", "light-dark(#fff1d6, #362a0e)"],
  bad: ["light-dark(#a8201a, #ff8f86)", "light-dark(#fde7e5, #3a1b19)"],
  moving: ["light-dark(#1f4e9e, #8db8ff)", "light-dark(#e4edfb, #172a47)"],
  checking: ["light-dark(#5b3a9e, #c2a8ff)", "light-dark(#eee8fa, #2a2144)"],
  calm: ["light-dark(#424a53, #c5ccd4)", "light-dark(#eceff2, #2b3138)"],
};

const toneOf: Record<string, keyof typeof tones> = {
  sending: "moving",
  sent: "good",
  failed: "bad",
  checking: "checking",
  unconfirmed: "checking",
  working: "good",
  needs_you: "held",
  reconnect: "held",
  valid: "good",
  overlap: "held",
};

const signs: Record<string, string> = {
  waiting: "◷",
  sending: "→",
  sent: "✓",
  not_sent: "–",
  failed: "✕",
  checking: "?",
  unconfirmed: "?",
  working: "✓",
  needs_you: "!",
  reconnect: "!",
  off: "–",
  valid: "✓",
  overlap: "◷",
  ended: "–",
};

// State is a badge: sign, word, colour; never colour alone.
export function State({ of, words }: { of: string; words: string }) {
  const { t } = useTranslation();
  const [color, backgroundColor] = tones[toneOf[of] ?? "calm"];
  return (
    <Badge tt="none" style={{ color, backgroundColor }}>
      <span aria-hidden="true">{signs[of]} </span>
      {t(`${words}.${of}`)}
    </Badge>
  );
}

// Reason is the sentence for a reason code.
export function useReason() {
  const { t, i18n } = useTranslation();
  return (code: string | undefined, data: Record<string, unknown> = {}) => {
    if (!code) return "";
    const key = `reason.${code}`;
    return i18n.exists(key)
      ? t(key, {
          date: "-",
          name: "-",
          n: data.over ?? "-",
          h: data.hours ?? "-",
          m: 6,
          time: "-",
          line: "-",
          last4: "-",
          reason: "",
          d: "-",
          ...data,
          ...(typeof data.date === "string" && { date: day(data.date, i18n.language) }),
        })
      : code;
  };
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const day = (at: string, language: string) =>
  new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: zone }).format(new Date(at));

// When shows a time in the merchant's zone; relative only under an hour.
export function When({ at, timeZone = zone }: { at?: string | null; timeZone?: string }) {
  const { i18n } = useTranslation();
  if (!at) return <>-</>;
  const date = new Date(at);
  const full = new Intl.DateTimeFormat(i18n.language, {
    dateStyle: "medium",
    timeStyle: "medium",
    timeZone,
    hourCycle: "h23",
  }).format(date);
  const minutes = Math.round((Date.now() - date.getTime()) / 60000);
  const text =
    minutes < 60 && minutes >= 1
      ? new Intl.RelativeTimeFormat(i18n.language, { numeric: "auto" }).format(-minutes, "minute")
      : new Intl.DateTimeFormat(i18n.language, {
          month: "short",
          day: "numeric",
          hour: "2-digit",
          minute: "2-digit",
          second: minutes < 1 ? "2-digit" : undefined,
          timeZone,
          hourCycle: "h23",
        }).format(date);
  return (
    <time dateTime={at} title={full}>
      {text}
    </time>
  );
}

export const number = (n: number, language: string) => new Intl.NumberFormat(language).format(n);
