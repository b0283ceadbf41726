import type { APIRequestContext } from "@playwright/test";
import { told } from "./sim";

// What people do in Klaviyo's own screens, and what friends then have on their phones.

type Action = { id: string; type: string; headers: Record<string, string>; url: string; body: string };
type Flow = { id: string; name: string; metric: string; status: string; actions: Action[] };
type Webhook = Pick<Action, "url" | "headers" | "body"> & { status?: "live" | "draft" }; // else the flow's

// unlinked is the id of Rin, the story's customer whom LINE does not know.
export const unlinked = "01JD2Q8Z5N6Y7XW3V4T2S1R0QD";

// cart is the flow of the demo's story, with its webhook.
export async function cart(request: APIRequestContext): Promise<Flow & { webhook: Action }> {
  const all = await told<{ items: Flow[] }>(request, "/klaviyo/flows");
  const flow = all.items.find((f) => f.name === "Abandoned cart");
  const webhook = flow?.actions.find((a) => a.type === "send-webhook");
  if (!flow || !webhook) throw new Error("the story made no flow");
  return { ...flow, webhook };
}

// setWebhook puts URL, headers and body into the cart flow's webhook, as its editor does.
export async function setWebhook(request: APIRequestContext, { url, headers, body, status }: Webhook) {
  const flow = await cart(request);
  const { id, name, metric } = flow;
  const webhook = { url, headers, body, status };
  await told(request, "/klaviyo/flows", { id, name, metric, status: flow.status, webhook });
}

// setStatus sets the cart flow and its webhook live, or back to draft.
export async function setStatus(request: APIRequestContext, status: "live" | "draft") {
  await told(request, `/klaviyo/flows/${(await cart(request)).id}/status`, { status });
}

// leavesCart starts the flow for a customer.
export const leavesCart = (request: APIRequestContext, profile: string) =>
  told(request, "/klaviyo/events", { profile, metric: "Checkout Started" });

// reminders counts the cart flow's messages in a person's chat.
export async function reminders(request: APIRequestContext, person: string): Promise<number> {
  const chat = JSON.stringify(await told(request, `/people/${person}/chat`));
  return chat.split("your tea is still waiting").length - 1;
}

// setQuota sets what LINE says of the month: the limit (null = none), and what is used of it.
export async function setQuota(request: APIRequestContext, quota: { limit: number | null; used: number }) {
  const all = await told<{ items: { messaging_channel_id: string }[] }>(request, "/line/channels");
  for (const c of all.items) await told(request, `/line/channels/${c.messaging_channel_id}/quota`, quota);
}
