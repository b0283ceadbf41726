import { type APIRequestContext, expect, type Page } from "@playwright/test";

// What browser tests ask of the simulators: people and their phones, Klaviyo's customers, and
// what a person does in the vendors' own consoles.

export const sim = process.env.LUMO_E2E_SIM ?? "";
export const edge = process.env.LUMO_E2E_EDGE ?? "";

// told asks the simulator's control API; with data it is a POST.
export async function told<T>(request: APIRequestContext, path: string, data?: unknown): Promise<T> {
  const answer =
    data === undefined
      ? await request.get(`${sim}/sim/v1${path}`)
      : await request.post(`${sim}/sim/v1${path}`, { data });
  expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
  const text = await answer.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

type Opened = { pages: { text?: string; login?: { request: string }; forms?: unknown[] }[] };

// scanned takes a person from a scan through LINE Login to the end, and gives the last page's
// words. What is scanned: {url}, {image} in base64, or {email: true} for her newest email.
export async function scanned(request: APIRequestContext, person: string, what: object) {
  const on = (path: string, data: object) => told<Opened>(request, `/people/${person}/${path}`, data);
  let after = await on("scan", what);
  const login = after.pages.at(-1)?.login; // who agreed before is not asked again
  if (login) after = await on("consent", { request: login.request, add_friend: true });
  if ((after.pages.at(-1)?.forms ?? []).length > 0) after = await on("submit_form", {});
  return after.pages.at(-1)?.text ?? "";
}

type Customer = { profile: { properties: Record<string, unknown> }; events: { metric: string }[] };

// customer is what Klaviyo knows of somebody, by id or email.
export const customer = (request: APIRequestContext, ref: string) =>
  told<Customer>(request, `/klaviyo/profiles/${ref}`);

// asShop speaks to the API as whoever is signed in on the page, below the shop.
export async function asShop<T>(page: Page, path: string, body?: unknown, method?: string): Promise<T> {
  return page.evaluate(
    async ({ path, body, method }) => {
      const me = await (await fetch("/api/v1/me")).json();
      const answer = await fetch(`/api/v1/merchants/${me.merchants[0].id}${path}`, {
        method: method ?? (body ? "POST" : "GET"),
        headers: { "Content-Type": "application/json" },
        body: body ? JSON.stringify(body) : undefined,
      });
      const text = await answer.text();
      return text ? JSON.parse(text) : undefined;
    },
    { path, body, method },
  );
}

// asMember does so below the first LINE account.
export async function asMember<T>(page: Page, path: string, body?: unknown, method?: string): Promise<T> {
  const channels = await asShop<Items<{ id: string }>>(page, "/channels");
  return asShop(page, `/channels/${channels.items[0]?.id}${path}`, body, method);
}

export type Items<T> = { items: T[] };

// changeAccount changes what LINE knows of an account: any field of it.
export async function changeAccount(request: APIRequestContext, id: string, fields: object) {
  const answer = await request.patch(`${sim}/sim/v1/line/channels/${id}`, { data: fields });
  expect(answer.ok(), await answer.text()).toBe(true);
}

// met waits until the account heard of a new friend, and gives their id.
export async function met(page: Page, name: string): Promise<string> {
  let id = "";
  await expect
    .poll(async () => {
      const all = await asMember<Items<{ id: string; name: string }>>(page, "/friends?limit=50");
      id = all.items.find((f) => f.name === name)?.id ?? "";
      return id;
    })
    .not.toBe("");
  return id;
}
