// Ready is a flow that many shops have: its message, and the names that its event has at
// Klaviyo, depending on the shop's system.
export type Ready = { key: string; metrics: string[]; link: boolean };

export const ready: Ready[] = [
  { key: "cart", metrics: ["Checkout Started", "Started Checkout"], link: true },
  { key: "browse", metrics: ["Viewed Product"], link: true },
  { key: "restock", metrics: ["Subscribed to Back in Stock"], link: true },
  { key: "thanks", metrics: ["Placed Order"], link: false },
];
