// The part of a picture that is seen where a message shows it in a fixed ratio, in pixels of
// the whole picture.

export type Part = { x: number; y: number; width: number; height: number };
export type Size = { width: number; height: number };

export const closest = 4; // times as large as the largest part
const step = 0.02; // of the picture, by an arrow key

const within = (n: number, high: number) => Math.min(Math.max(Math.round(n), 0), Math.max(high, 0));

// sized is a part so many times enlarged, with its middle at a point as far as the picture goes.
function sized(whole: Size, ratio: number, zoom: number, middle: { x: number; y: number }): Part {
  const most = Math.min(whole.width, whole.height * ratio);
  const width = Math.max(1, Math.round(most / zoom));
  const height = Math.min(whole.height, Math.max(1, Math.round(width / ratio)));
  return {
    x: within(middle.x - width / 2, whole.width - width),
    y: within(middle.y - height / 2, whole.height - height),
    width,
    height,
  };
}

// largest is what LINE shows by itself: as much as fits, from the middle.
export const largest = (whole: Size, ratio: number): Part =>
  sized(whole, ratio, 1, { x: whole.width / 2, y: whole.height / 2 });

// fits tells that the whole picture is seen.
export function fits(whole: Size, ratio: number): boolean {
  const { width, height } = largest(whole, ratio);
  return whole.width - width <= 1 && whole.height - height <= 1;
}

export const zoomOf = (part: Part, whole: Size, ratio: number) =>
  Math.min(whole.width, whole.height * ratio) / part.width;

// zoomed is a part made larger or smaller around its middle.
export const zoomed = (part: Part, whole: Size, ratio: number, zoom: number): Part =>
  sized(whole, ratio, Math.min(Math.max(zoom, 1), closest), {
    x: part.x + part.width / 2,
    y: part.y + part.height / 2,
  });

// moved is a part carried along, never out of the picture.
export const moved = (part: Part, dx: number, dy: number, whole: Size): Part => ({
  ...part,
  x: within(part.x + dx, whole.width - part.width),
  y: within(part.y + dy, whole.height - part.height),
});

const arrows: Record<string, [x: number, y: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

// byKey is what a key does to a part: arrows move it, plus and minus zoom; undefined = another key.
export function byKey(part: Part, key: string, whole: Size, ratio: number): Part | undefined {
  const way = arrows[key];
  if (way) return moved(part, way[0] * step * whole.width, way[1] * step * whole.height, whole);
  const closer = { "+": 1.1, "-": 1 / 1.1 }[key];
  return closer ? zoomed(part, whole, ratio, zoomOf(part, whole, ratio) * closer) : undefined;
}

export const same = (a: Part, b: Part) =>
  a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
