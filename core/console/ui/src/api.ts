// The console's own API. Every answer that is not a success is an ApiError with a sentence.

export type Merchant = {
  id: string;
  slug: string;
  name: string;
  country: string;
  time_zone: string;
  language: string;
  set_up: boolean;
  role: string;
};
export type Me = {
  member?: { id: string; name: string; email: string; role: string; language: string };
  merchants: Merchant[];
};
export type Channel = {
  id: string;
  name: string;
  basic_id: string;
  state: string;
  webhook_active: boolean;
  webhook_url: string;
  callback_url: string;
  friends: number;
  linked: number;
  problem_code?: string;
};
export type Today = {
  sent: number;
  clicked: number;
  linked: number;
  not_sent: number;
  failed: number;
  checking: number;
};
export type FeedItem = { id: string; at: string; kind: string; friend?: Ref; data: Record<string, unknown> };
export type Figures = { friends: number; linked: number; blocked_month: number; today: Today };
export type Home = Figures & {
  feed: FeedItem[];
  attention: { code: string; data: Record<string, unknown> }[];
  checklist: { step: string; done: boolean }[];
};
export type Ref = { id: string; name: string };
export type Card = {
  id: string;
  name: string;
  state: string;
  since?: string;
  last_contact_at?: string;
  problem_code?: string;
  detail?: string;
  waiting_updates?: number;
};
export type Connections = { line: Card[]; klaviyo?: Card; edges: { state: string; since?: string } };
export type Friend = {
  id: string;
  name: string;
  picture_url?: string;
  follow_status: string;
  consent: string;
  linked: boolean;
  followed_at?: string;
  last_sent_at?: string;
  last_clicked_at?: string;
  profile_id?: string;
  consent_at?: string;
  consent_source?: string;
  link?: { id: string; method: string; assurance: string; linked_at?: string; profile_id: string };
};
export type Entry = {
  id: string;
  at: string;
  kind: string;
  source: string;
  recorded: string;
  data: Record<string, unknown>;
};
export type List<T> = { items: T[]; next?: string; total?: number };
export type FlowKey = {
  id: string;
  number: number;
  last4: string;
  state: string;
  created_at?: string;
  last_used_at?: string;
  valid_until?: string;
  accepted_24h: number;
  refused_24h: number;
};
export type FlowSettings = { url: string; header: string; keys: FlowKey[] };
export type FlowRequest = {
  id: string;
  at: string;
  flow_id: string;
  friend?: Ref;
  profile_id?: string;
  message?: Ref;
  outcome: string;
  reason?: string;
  reason_data?: Record<string, unknown>;
  state: string;
  key_last4?: string;
  repeats: number;
  duplicate_of?: string;
};
export type FlowStep = { code: string; state: string; at?: string; data?: Record<string, unknown> };
export type FlowRequestDetail = FlowRequest & { steps: FlowStep[]; messages?: LineMessage[] };
export type LineMessage = { type: string; text?: string; sender?: { name?: string; iconUrl?: string } };
export type GetJSON = { url: string; header: string; body: string };
export type Message = { id: string; name: string; version: number; blocks: { type: string; text: string }[] };

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly request: string,
    readonly fields: Record<string, string>,
  ) {
    super(message);
  }
}

// call speaks to the API. Changes carry a key of their own, so that a repeated click or a lost
// answer does nothing twice.
export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
  const answer = await fetch(`/api/v1${path}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const value = text ? JSON.parse(text) : {};
  if (!answer.ok)
    throw new ApiError(answer.status, value.detail ?? "", value.request ?? "", value.fields ?? {});
  return value as T;
}

export const get = <T>(path: string) => call<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}) => call<T>("POST", path, body);
