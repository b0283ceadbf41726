// The console speaks to its core here and nowhere else.
//
// `api` is typed by the core's own description (schema.d.ts is generated; tools/generate.sh).
// Every answer that is not a success is thrown as an ApiError with a sentence in the console's
// language. Each POST carries an idempotency key, so that a repeated click or a lost answer does
// nothing twice.
//
//   const tags = await read(api.GET("/merchants/{merchant}/tags", { params: { path } }));

import i18next from "i18next";
import createClient, { type Middleware } from "openapi-fetch";
import type { LineMessage } from "../phone/message";
import type { components, paths } from "./schema.d.ts";

const base = "/api/v1";

// Schema names a shape of the API: Schema<"FriendView">.
export type Schema<K extends keyof components["schemas"]> = components["schemas"][K];

type Below<P> = { [K in keyof P as K extends `/api/v1${infer Rest}` ? Rest : never]: P[K] };

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly request: string,
    readonly fields: Record<string, string>,
    readonly kind: string,
    readonly retryAfter: number,
  ) {
    super(message);
  }
}

type Problem = Partial<Schema<"Problem">>;

// problemOf reads problem details; a body of another form has no sentence for people.
async function problemOf(answer: Response): Promise<ApiError> {
  let p: Problem = {};
  try {
    p = (await answer.json()) as Problem;
  } catch {
    // Not ours: a proxy in between, or nothing at all.
  }
  const wait = Number(answer.headers.get("Retry-After") ?? 0);
  return new ApiError(
    answer.status,
    p.detail ?? "",
    p.request ?? "",
    p.fields ?? {},
    p.kind ?? "",
    Number.isFinite(wait) ? wait : 0,
  );
}

// The session ended while a page was open: the frame shows a dialog over the page.
const ended = new Set<() => void>();

// onSessionEnd tells when an answer says that nobody is signed in; the result stops it.
export function onSessionEnd(told: () => void): () => void {
  ended.add(told);
  return () => {
    ended.delete(told);
  };
}

// Who is signed in, and signing in, may answer 401 without a session having ended.
const mayBeOut = /\/api\/v1\/(me|sign_in|sign_out)$/;

const rules: Middleware = {
  onRequest({ request }) {
    request.headers.set("Accept-Language", i18next.language);
    if (request.method === "POST" && !request.headers.has("Idempotency-Key"))
      request.headers.set("Idempotency-Key", newKey());
    return request;
  },
  async onResponse({ request, response }) {
    if (response.ok) return;
    if (response.status === 401 && !mayBeOut.test(new URL(request.url).pathname))
      for (const told of ended) told();
    throw await problemOf(response);
  },
};

export const api = createClient<Below<paths>>({ baseUrl: base });
api.use(rules);

// newKey makes an idempotency key. Keep one for all tries of the same action:
// api.POST(.., { headers: { "Idempotency-Key": key } }).
export const newKey = () => crypto.randomUUID();

type Headers = Record<string, string>;

type Answer<T> = Promise<{ data?: T; error?: unknown; response: Response }>;

// read gives the content of an answer. Problems were thrown before.
export async function read<T>(answer: Answer<T>): Promise<T> {
  return (await answer).data as T;
}

// Read is what was read with the mark of its version.
export type Read<T> = { value: T; etag: string };

// readVersion keeps the version beside the content, for ifMatch.
export async function readVersion<T>(answer: Answer<T>): Promise<Read<T>> {
  const { data, response } = await answer;
  return { value: data as T, etag: response.headers.get("ETag") ?? "" };
}

// ifMatch makes an edit fail with 412 (isClash) when somebody saved another version meanwhile.
export const ifMatch = (etag: string): Record<string, string> => (etag ? { "If-Match": etag } : {});

export const isClash = (error: unknown) => error instanceof ApiError && error.status === 412;

// isLost tells that no answer came: whether it happened is not known.
export const isLost = (error: unknown) => error instanceof TypeError;

// call speaks to a path that is put together by hand; where the path is known, use api. Headers
// are those of all tries of the same action (useAction).
export async function call<T>(method: string, path: string, body?: unknown, headers?: Headers): Promise<T> {
  const untyped = api as unknown as {
    request: (method: string, path: string, init: object) => Answer<T>;
  };
  return read(untyped.request(method.toLowerCase(), path, { body, headers }));
}

export const get = <T>(path: string) => call<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}, headers?: Headers) =>
  call<T>("POST", path, body, headers);

export type List<T> = { items: T[]; next?: string; total?: number };
export type Me = Schema<"MeView">;
export type Merchant = Schema<"MerchantView">;
export type Channel = Schema<"ChannelView">;
export type Home = Schema<"HomeView">;
export type Figures = Pick<Home, "friends" | "change" | "linked" | "blocked_month" | "today" | "hours">;
export type FeedItem = Schema<"FeedItemView">;
export type Card = Schema<"CardView">;
export type Connections = Schema<"ConnectionsView">;
export type Friend = Schema<"FriendView">;
export type FriendDetail = Schema<"FriendPageView">;
export type Entry = Schema<"EntryView">;
export type { LineMessage };
export type FlowKey = Schema<"FlowKeyView">;
export type FlowSettings = Schema<"FlowSettingsView">;
export type FlowRequest = Schema<"FlowRequestView">;
export type FlowRequestDetail = Omit<Schema<"FlowRequestDetail">, "messages"> & { messages?: LineMessage[] };
export type GetJSON = Schema<"GetJSONView">;
export type Message = Schema<"MessageView">;
