// LINE keeps people's pictures on these hosts; no other is asked for one.
const hosts = ".line-scdn.net";

// pictureOf is the way to a friend's picture in LINE. It comes through the core, so that no page
// of ours asks other hosts; small is the size that LINE makes for lists.
export function pictureOf(merchant: string, address: string | undefined, small = false) {
  if (!address || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  if (url.protocol !== "https:" || !url.hostname.endsWith(hosts)) return undefined;
  if (small) url.pathname += "/small";
  return `/api/v1/merchants/${merchant}/picture?url=${encodeURIComponent(url.href)}`;
}
