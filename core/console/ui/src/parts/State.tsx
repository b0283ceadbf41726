import { Badge } from "@mantine/core";
import {
  IconAlertTriangle,
  IconCheck,
  IconCircleDashed,
  IconClock,
  IconHelpCircle,
  IconLoader,
  IconMinus,
  IconPlayerPause,
  IconPlugConnectedX,
  IconQuestionMark,
  IconSend,
  IconX,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { type Tone, tone } from "../theme";

type Icon = typeof IconCheck;

// One table of all states (UX 2.2): how each looks. Words are <words>.<state>.
const looks: Record<string, [Tone, Icon]> = {
  waiting: ["calm", IconClock],
  held: ["held", IconClock],
  sending: ["moving", IconSend],
  sent: ["good", IconCheck],
  not_sent: ["calm", IconMinus],
  failed: ["bad", IconX],
  checking: ["checking", IconHelpCircle],
  unconfirmed: ["checking", IconQuestionMark],
  working: ["good", IconCheck],
  needs_you: ["held", IconAlertTriangle],
  reconnect: ["bad", IconPlugConnectedX],
  off: ["calm", IconCircleDashed],
  running: ["moving", IconLoader],
  paused: ["held", IconPlayerPause],
  stopped: ["calm", IconMinus],
  done: ["good", IconCheck],
  done_with_problems: ["held", IconAlertTriangle],
  draft: ["calm", IconCircleDashed],
  live: ["good", IconCheck],
  following: ["good", IconCheck],
  blocked: ["calm", IconMinus],
  not_friend: ["calm", IconCircleDashed],
  linked: ["good", IconCheck],
  not_linked: ["calm", IconCircleDashed],
  valid: ["good", IconCheck],
  overlap: ["held", IconClock],
  ended: ["calm", IconMinus],
  good: ["good", IconCheck],
  warning: ["held", IconAlertTriangle],
  bad: ["bad", IconX],
  silent: ["bad", IconPlugConnectedX],
  revoked: ["calm", IconMinus],
  replaced: ["calm", IconMinus],
  unknown: ["calm", IconQuestionMark],
};

type Props = {
  of: string;
  words: string; // prefix of the texts
  as?: Tone; // another colour: a waiting message that is held
  values?: Record<string, unknown>;
};

// State is a badge: icon, word, colour; never colour alone.
export function State({ of, words, as, values }: Props) {
  const { t } = useTranslation();
  const [own, Icon] = looks[of] ?? (["calm", IconCircleDashed] as const);
  const outlined = of === "unconfirmed" ? { border: "1px solid currentColor" } : {};
  return (
    <Badge
      size="lg"
      radius="sm"
      miw="max-content"
      style={{ ...tone(as ?? own), ...outlined, fontWeight: 500, fontSize: 12 }}
      leftSection={<Icon size={14} stroke={1.5} aria-hidden="true" />}
    >
      {t(`${words}.${of}`, values)}
    </Badge>
  );
}
