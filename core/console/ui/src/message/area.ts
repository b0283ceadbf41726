// Tap areas of a rich message: LINE measures them on a picture 1,040 wide.

export type Box = { x: number; y: number; width: number; height: number };
export type Board = { width: number; height: number };

export const grid = 10.4; // one percent of the width
const least = 2 * grid;

const snap = (n: number) => Math.round(Math.round(n / grid) * grid);
const within = (n: number, low: number, high: number) => Math.min(Math.max(n, low), Math.max(low, high));

// drawn is the area between two points, on the grid and inside the picture; undefined = too
// small to be meant.
export function drawn(
  from: { x: number; y: number },
  to: { x: number; y: number },
  board: Board,
): Box | undefined {
  const x = within(snap(Math.min(from.x, to.x)), 0, board.width);
  const y = within(snap(Math.min(from.y, to.y)), 0, board.height);
  const width = within(snap(Math.max(from.x, to.x)), 0, board.width) - x;
  const height = within(snap(Math.max(from.y, to.y)), 0, board.height) - y;
  return width < least || height < least ? undefined : { x, y, width, height };
}

// moved is an area carried along, never out of the picture.
export function moved(a: Box, dx: number, dy: number, board: Board): Box {
  return {
    ...a,
    x: within(snap(a.x + dx), 0, board.width - a.width),
    y: within(snap(a.y + dy), 0, board.height - a.height),
  };
}

// sized is an area whose lower right corner was carried along.
export function sized(a: Box, dx: number, dy: number, board: Board): Box {
  return {
    ...a,
    width: within(snap(a.width + dx), Math.round(least), board.width - a.x),
    height: within(snap(a.height + dy), Math.round(least), board.height - a.y),
  };
}

const arrows: Record<string, [x: number, y: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

// byKey is what an arrow key does to an area: it moves one percent, with Shift it changes its
// size; undefined = another key.
export function byKey(a: Box, key: string, shift: boolean, board: Board): Box | undefined {
  const step = arrows[key];
  if (!step) return undefined;
  const [x, y] = step;
  return (shift ? sized : moved)(a, x * grid, y * grid, board);
}
