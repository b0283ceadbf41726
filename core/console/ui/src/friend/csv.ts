const most = 400_000; // characters a request carries

export type Part = { text: string; before: number }; // lines of the file before its own

// parts cuts a CSV file between lines, each part with the file's head.
export function parts(file: string): Part[] {
  const [head = "", ...lines] = file.replace(/^﻿/, "").split(/\r?\n/);
  const out: Part[] = [];
  let rows: string[] = [];
  let size = 0;
  let before = 0;
  const cut = () => {
    if (rows.length > 0) out.push({ text: [head, ...rows].join("\n"), before });
    before += rows.length;
    rows = [];
    size = 0;
  };
  for (const line of lines) {
    if (size + line.length > most) cut();
    rows.push(line);
    size += line.length + 1;
  }
  cut();
  return out;
}
