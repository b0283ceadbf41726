// pieces and addresses: how LINE finds web addresses in a text, and how people read them.

export type Piece = { text: string; uri?: string };

// pieces splits a text into words and web addresses; an address ends before closing punctuation.
export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[!#-;=?-~]+/g)) {
    const uri = match[0].replace(/[.,;:!?)\]}']+$/, "");
    if (match.index > end) out.push({ text: text.slice(end, match.index) });
    out.push({ text: uri, uri });
    end = match.index + uri.length;
  }
  if (end < text.length) out.push({ text: text.slice(end) });
  return out;
}

export function hostOf(address: string): string {
  try {
    return new URL(address).host || address;
  } catch {
    return address;
  }
}

// short is an address as people read it: host and path.
export function short(address: string): string {
  try {
    const url = new URL(address);
    return `${url.host}${url.pathname === "/" ? "" : url.pathname}`;
  } catch {
    return address;
  }
}
