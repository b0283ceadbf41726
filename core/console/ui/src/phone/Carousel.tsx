import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { FlexBubble } from "./Flex";
import type { Json } from "./message";
import style from "./phone.module.css";
import { useScene } from "./scene";

// Carousel is a row of cards of one height; it is moved by a swipe, a drag or arrow keys.
export function Carousel({ cards }: { cards: Json[] }) {
  const { say } = useScene();
  const row = useRef<HTMLDivElement>(null);
  const drag = useDrag();
  const move = (e: KeyboardEvent) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    const card = row.current?.firstElementChild;
    if (!way || !row.current || !card) return;
    e.preventDefault();
    e.stopPropagation();
    row.current.scrollBy({ left: way * (card.clientWidth + 9) });
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a row of cards is no set of fields
    <div
      ref={row}
      className={style.carousel}
      role="group"
      aria-label={say("phone.cards", { count: cards.length })}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the row scrolls, and keys must reach it
      tabIndex={0}
      onKeyDown={move}
      {...drag}
    >
      {cards.map((card, i) => (
        <FlexBubble key={i} bubble={card} path={`/contents/${i}`} />
      ))}
    </div>
  );
}

// useDrag lets a mouse pull the row; a pull is no tap.
function useDrag() {
  const from = useRef<{ x: number; left: number; moved: boolean }>(undefined);
  return {
    onPointerDown(e: PointerEvent<HTMLDivElement>) {
      if (e.pointerType === "mouse")
        from.current = { x: e.clientX, left: e.currentTarget.scrollLeft, moved: false };
    },
    onPointerMove(e: PointerEvent<HTMLDivElement>) {
      if (!from.current || e.buttons === 0) return;
      const by = e.clientX - from.current.x;
      from.current.moved ||= Math.abs(by) > 4;
      if (from.current.moved) e.currentTarget.scrollTo({ left: from.current.left - by, behavior: "instant" });
    },
    onDragStart: (e: { preventDefault(): void }) => e.preventDefault(), // of a picture
    onClickCapture(e: { stopPropagation(): void }) {
      if (from.current?.moved) e.stopPropagation();
      from.current = undefined;
    },
  };
}
