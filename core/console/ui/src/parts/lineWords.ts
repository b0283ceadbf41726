// What LINE says most often when it refuses something, as our own sentences; everything else is
// known in LINE's words alone.
const causes: [name: string, says: RegExp][] = [
  ["empty", /^may not be (?:empty|blank|null)/i],
  ["length", /^length must be between (?<from>\d+) and (?<to>\d+)/i],
  ["size", /^size must be between (?<from>\d+) and (?<to>\d+)/i],
  ["range", /^must be between (?<from>\d+) and (?<to>\d+)/i],
  ["oneOf", /^must be one of the following values: \[?(?<values>[^\]]*)\]?/i],
  ["required", /(?:must be specified|is required)/i],
  ["address", /invalid uri|uri scheme|valid https url/i],
  ["unknown", /(?:unknown|invalid) (?:property|field)/i],
];

export type Cause = { key: string; values: Record<string, string> };

// lineCause is the text of why LINE refuses a part, with what it holds; undefined = another reason.
export function lineCause(said: string): Cause | undefined {
  for (const [name, says] of causes) {
    const found = says.exec(said);
    if (found) return { key: `problem.line.${name}`, values: { ...found.groups } };
  }
}

// refusalOf is the sentence about a whole message that LINE refused: in which block, and why, as far
// as LINE's words tell; undefined = they tell neither.
export function refusalOf(
  words: string,
  t: (key: string, values: Record<string, unknown>) => string,
): string | undefined {
  const block = Number(/messages\[(\d+)\]/.exec(words)?.[1] ?? -1) + 1;
  const cause = words.split("; ").map(lineCause).find(Boolean);
  const values = { block, cause: cause && t(cause.key, cause.values) };
  if (cause) return t(block ? "reason.line_refused.blockCause" : "reason.line_refused.cause", values);
  return block ? t("reason.line_refused.block", values) : undefined;
}
