// Pictures of the golden messages are drawn here, so that they are the same everywhere.

const drawings: Record<string, [width: number, height: number, colour: string, shape: string]> = {
  tea: [
    400,
    260,
    "#cfe0c3",
    '<ellipse cx="200" cy="150" rx="90" ry="70" fill="#5c7f4f"/><rect x="150" y="40" width="100" height="40" rx="12" fill="#3f5a36"/>',
  ],
  cup: [
    400,
    400,
    "#e9dccb",
    '<path d="M110 140h160v90a80 80 0 0 1-160 0z" fill="#a5673f"/><path d="M270 160h40a35 35 0 0 1 0 80h-45" fill="none" stroke="#a5673f" stroke-width="18"/>',
  ],
  matcha: [
    400,
    400,
    "#dfe9c9",
    '<circle cx="200" cy="200" r="120" fill="#7f9f3f"/><circle cx="200" cy="200" r="80" fill="#a9c55d"/>',
  ],
  tall: [300, 400, "#d7e3f0", '<rect x="100" y="60" width="100" height="280" rx="40" fill="#4a6d91"/>'],
  map: [
    1040,
    701,
    "#f3d9dc",
    '<rect x="60" y="60" width="440" height="580" rx="30" fill="#c2566b"/><rect x="540" y="60" width="440" height="270" rx="30" fill="#e0909e"/><rect x="540" y="370" width="440" height="270" rx="30" fill="#a33a50"/>',
  ],
  star: [
    40,
    40,
    "#00000000",
    '<path d="m20 3 5 12 13 1-10 8 4 13-12-7-12 7 4-13L2 16l13-1z" fill="#f2a900"/>',
  ],
  face: [
    72,
    72,
    "#7a5aa8",
    '<circle cx="36" cy="28" r="13" fill="#f3d7bf"/><path d="M10 72a26 26 0 0 1 52 0z" fill="#f7f1ff"/>',
  ],
};

// picture is the drawing behind an address such as https://shop.example/tea.png.
export function picture(address: string): string | { reason: string } {
  if (address.includes("gone")) return { reason: "shop.example answered that it does not exist" };
  const name = /\/(\w+)(?:\.png|\/\d+)?$/.exec(new URL(address).pathname)?.[1] ?? "";
  const [width, height, colour, shape] = drawings[name] ?? [400, 300, "#d5dae0", ""];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="${colour}"/>${shape}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
