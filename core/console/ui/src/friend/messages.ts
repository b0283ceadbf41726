import type { Entry } from "../api";
import type { LineMessage } from "../phone/message";

// messagesOf are the messages that LINE got, while they are kept.
export const messagesOf = (e: Entry): LineMessage[] => (e.messages as LineMessage[] | undefined) ?? [];
