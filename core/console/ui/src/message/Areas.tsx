import { Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { phone } from "../parts";
import { type Board, type Box, byKey, drawn, moved, sized } from "./area";
import style from "./message.module.css";

type Props = {
  areas: Box[];
  board: Board;
  image?: string;
  set: (i: number, area: Box) => void;
  add: (area: Box) => void;
  readOnly?: boolean;
};

type Point = { x: number; y: number };
type Drag = { what: "draw" | "move" | "size"; i: number; from: Point; to: Point };

// Areas draws tap areas on the picture: by pointer, or by arrow keys on each area. The number
// fields below say the same. On phones there are only those.
export function Areas({ areas, board, image, set, add, readOnly }: Props) {
  const { t } = useTranslation();
  const small = useMediaQuery(phone);
  const surface = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<Drag>();
  if (small)
    return (
      <Text size="sm" c="dimmed">
        {t("message.area.onPhone")}
      </Text>
    );
  const point = (event: PointerEvent): Point => {
    const box = surface.current?.getBoundingClientRect();
    const scale = box ? board.width / box.width : 1;
    return box
      ? { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale }
      : { x: 0, y: 0 };
  };
  const begin = (what: Drag["what"], i: number) => (event: PointerEvent<HTMLElement>) => {
    if (readOnly || event.button !== 0) return;
    event.stopPropagation();
    surface.current?.setPointerCapture(event.pointerId);
    const at = point(event);
    setDrag({ what, i, from: at, to: at });
  };
  const follow = (event: PointerEvent) => drag && setDrag({ ...drag, to: point(event) });
  const end = () => {
    setDrag(undefined);
    const made = drag && result(drag, areas, board);
    if (!drag || !made) return;
    if (drag.what === "draw") add(made);
    else set(drag.i, made);
  };
  const key = (i: number, a: Box) => (event: KeyboardEvent) => {
    const next = readOnly ? undefined : byKey(a, event.key, event.shiftKey, board);
    if (!next) return;
    event.preventDefault();
    set(i, next);
  };
  const ghost = drag?.what === "draw" ? result(drag, areas, board) : undefined;
  return (
    <div>
      <Text size="sm" c="dimmed" mb={4}>
        {t("message.area.how")}
      </Text>
      <div
        ref={surface}
        className={style.board}
        style={{ aspectRatio: `${board.width} / ${board.height}` }}
        onPointerDown={begin("draw", -1)}
        onPointerMove={follow}
        onPointerUp={end}
        onPointerCancel={() => setDrag(undefined)}
        data-testid="areas"
      >
        {image && <img src={image} alt="" draggable={false} className={style.map} />}
        {areas.map((area, i) => {
          const a = (drag?.i === i && result(drag, areas, board)) || area;
          return (
            <button
              key={i}
              type="button"
              className={style.area}
              style={place(a, board)}
              aria-label={t("message.area.at", { n: i + 1, ...a })}
              onPointerDown={begin("move", i)}
              onKeyDown={key(i, area)}
            >
              {i + 1}
              {!readOnly && (
                <span className={style.corner} aria-hidden="true" onPointerDown={begin("size", i)} />
              )}
            </button>
          );
        })}
        {ghost && <div className={style.area} style={place(ghost, board)} />}
      </div>
    </div>
  );
}

// result is what a drag would come to if it ended now.
function result(drag: Drag, areas: Box[], board: Board): Box | undefined {
  const [dx, dy] = [drag.to.x - drag.from.x, drag.to.y - drag.from.y];
  if (drag.what === "draw") return drawn(drag.from, drag.to, board);
  const area = areas[drag.i];
  return area && (drag.what === "move" ? moved : sized)(area, dx, dy, board);
}

const place = (a: Box, board: Board) => ({
  left: `${(a.x / board.width) * 100}%`,
  top: `${(a.y / board.height) * 100}%`,
  width: `${(a.width / board.width) * 100}%`,
  height: `${(a.height / board.height) * 100}%`,
});
