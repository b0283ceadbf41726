import { act, cleanup, render, screen } from "@testing-library/react";
import { useRef } from "react";
import { afterEach, expect, test } from "vitest";
import { hold, useFresh } from "./fresh";
import type { Pages } from "./list";

const rows = (names: string) => [...names];
const holds = (shown: string, read: string, more = false) => {
  const { rows: stay, n } = hold(rows(shown), rows(read), (r) => r, more);
  return `${stay.join("")} ${n}`;
};

test("new rows wait wherever they are, the others stay in their order", () => {
  expect(holds("abc", "xaybc")).toBe("abc 2");
  expect(holds("abc", "cxab")).toBe("abc 1");
});

test("rows that new ones push off a full page stay, those that are gone go", () => {
  expect(holds("abcd", "xyab", true)).toBe("abcd 2");
  expect(holds("abcd", "xacd", true)).toBe("acd 1");
  expect(holds("abcd", "wxyz", true)).toBe("abcd 4");
  expect(holds("abcd", "xab")).toBe("ab 1");
  expect(holds("abcd", "")).toBe(" 0");
});

test("what comes up behind all others, and what comes into an empty list, moves nothing", () => {
  expect(holds("abc", "acd")).toBe("acd 0");
  expect(holds("", "ab")).toBe("ab 0");
});

test("a row is shown in its newest state", () => {
  const id = (r: { id: string }) => r.id;
  const held = hold([{ id: "a", tag: "" }], [{ id: "b" }, { id: "a", tag: "vip" }], id, false);
  expect(held).toEqual({ rows: [{ id: "a", tag: "vip" }], n: 1 });
});

afterEach(cleanup);

let show: () => void;

function List({ read, of = "all" }: { read: string[]; of?: string }) {
  const box = useRef<HTMLDivElement>(null);
  const pages = { of, rows: read, stale: false } as unknown as Pages<string>;
  const fresh = useFresh(pages, (r) => r, box, { live: true, ticked: false });
  show = fresh.show;
  return (
    <div ref={box}>
      <output>{`${fresh.rows.join("")} ${fresh.n}`}</output>
      <button type="button">row</button>
    </div>
  );
}

const shown = () => document.querySelector("output")?.textContent;

test("rows wait while somebody reads, until they are asked for or another list is", () => {
  const { rerender } = render(<List read={rows("ab")} />);
  rerender(<List read={rows("xab")} />);
  expect(shown()).toBe("xab 0"); // nobody reads
  screen.getByText("row").focus();
  rerender(<List read={rows("yxab")} />);
  expect(shown()).toBe("xab 1");
  screen.getByText("row").blur(); // on the way to the button that shows them
  rerender(<List read={rows("zyxab")} />);
  expect(shown()).toBe("xab 2");
  act(() => show());
  expect(shown()).toBe("zyxab 0");
  rerender(<List read={rows("wzyxab")} />);
  expect(shown()).toBe("wzyxab 0");
  screen.getByText("row").focus();
  rerender(<List read={rows("vw")} of="other" />);
  expect(shown()).toBe("vw 0");
});
