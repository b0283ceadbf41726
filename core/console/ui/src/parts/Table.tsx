import { ActionBar, Anchor, Button, Card, Checkbox, Group, Select, Stack, Table, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import {
  IconChevronLeft,
  IconChevronRight,
  IconSelector,
  IconSortAscending,
  IconSortDescending,
} from "@tabler/icons-react";
import { type MouseEvent, type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { Failed } from "./Failed";
import { useFresh } from "./fresh";
import { Loading } from "./Loading";
import { type Pages, pageSizes } from "./list";
import style from "./parts.module.css";
import { useFormat } from "./useFormat";

export const phone = "(max-width: 47.99em)";

export type Column<T> = {
  key: string;
  title: string;
  cell: (row: T) => ReactNode;
  numeric?: boolean;
  sort?: string; // the API's name for sorting by it
  card?: "state" | "fact" | "actions"; // where a phone's card shows it; others are left out there
};

type Props<T> = {
  caption: string;
  columns: Column<T>[]; // the first names the row, and is its link
  pages: Pages<T>;
  id: (row: T) => string;
  link?: (row: T) => string | undefined; // nothing = this row leads nowhere
  failed: string; // sentence when it could not be loaded
  empty: ReactNode;
  sort?: string; // name, or -name
  onSort?: (sort: string) => void;
  live?: boolean; // whether rows come by themselves: they do not move what is being read
  bulk?: (selection: Selection) => ReactNode; // buttons for the ticked rows
  bulkAll?: boolean; // whether those buttons can also mean all that match, beyond this page
};

export type Selection = { ids: string[]; all: boolean; n: number; clear: () => void };

// DataTable is a page of a list: rows on a screen, cards on a phone.
export function DataTable<T>(all: Props<T>) {
  const { empty, failed, live = false } = all;
  const small = useMediaQuery(phone);
  const picked = useSelection(all);
  const box = useRef<HTMLDivElement>(null);
  const fresh = useFresh(all.pages, all.id, box, { live, ticked: picked.all || picked.ids.size > 0 });
  const pages = { ...all.pages, rows: fresh.rows };
  const props = { ...all, pages };
  if (pages.loading && !pages.error) return <Loading shape="list" cancel={pages.previous && pages.cancel} />;
  if (pages.error && pages.rows.length === 0)
    return <Failed error={pages.error} again={pages.again} what={failed} />;
  return (
    <Stack gap="xs">
      <div className={pages.stale ? style.bar : style.noBar} aria-hidden="true" />
      {pages.error && <Failed error={pages.error} again={pages.again} what={failed} />}
      {live && (
        <Fresh
          n={fresh.n}
          show={() => {
            fresh.show();
            box.current?.focus({ preventScroll: true });
          }}
        />
      )}
      {pages.rows.length === 0 ? (
        empty
      ) : (
        <div
          ref={box}
          tabIndex={-1}
          aria-busy={pages.stale}
          className={pages.stale ? `${style.box} ${style.old}` : style.box}
        >
          {small ? <Cards {...props} /> : <Rows {...props} picked={picked} />}
        </div>
      )}
      {(pages.rows.length > 0 || pages.page > 0) && <Foot pages={pages} />}
      {props.bulk && <Bulk {...props} picked={picked} bulk={props.bulk} />}
    </Stack>
  );
}

// Fresh offers the rows that wait. It is there without any, and floats: what is read stays where it is.
export function Fresh({ n, show }: { n: number; show: () => void }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  return (
    <div className={style.fresh}>
      {n > 0 && (
        <Button size="xs" onClick={show}>
          {t("common.fresh", { count: n, n: count(n) })}
        </Button>
      )}
    </div>
  );
}

type Picked = { ids: Set<string>; all: boolean; set: (ids: Set<string>, all: boolean) => void };

function useSelection<T>({ pages, id }: Props<T>): Picked {
  const [ids, setIds] = useState<Set<string>>(new Set());
  const [all, setAll] = useState(false);
  const shown = all ? new Set(pages.rows.map(id)) : ids;
  return {
    ids: shown,
    all,
    set: (next, whole) => {
      setIds(next);
      setAll(whole);
    },
  };
}

function Bulk<T>({
  pages,
  picked,
  bulk,
  bulkAll,
}: Props<T> & { picked: Picked; bulk: (s: Selection) => ReactNode }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const clear = () => picked.set(new Set(), false);
  const n = picked.all ? (pages.total ?? 0) : picked.ids.size;
  return (
    <ActionBar
      opened={n > 0}
      onClose={clear}
      role="region"
      aria-label={t("common.selected", { count: n, n: count(n) })}
    >
      <Text size="sm">{t("common.selected", { count: n, n: count(n) })}</Text>
      {bulkAll && !picked.all && pages.total !== undefined && pages.total > n && (
        <Button size="xs" variant="subtle" onClick={() => picked.set(picked.ids, true)}>
          {t("common.selectAll", { count: pages.total, n: count(pages.total) })}
        </Button>
      )}
      {bulk({ ids: [...picked.ids], all: picked.all, n, clear })}
      <ActionBar.CloseButton aria-label={t("common.clearSelection")} />
    </ActionBar>
  );
}

function Rows<T>(props: Props<T> & { picked: Picked }) {
  const { caption, columns, pages, id, link, bulk, picked } = props;
  const { t } = useTranslation();
  const navigate = useNavigate();
  const open = (event: MouseEvent, row: T) => {
    const own = (event.target as HTMLElement).closest("a,button,input,label");
    const to = link?.(row);
    if (to && !own && !getSelection()?.toString()) navigate(to);
  };
  const toggle = (row: T, on: boolean) => {
    const next = new Set(picked.ids);
    if (on) next.add(id(row));
    else next.delete(id(row));
    picked.set(next, false);
  };
  const page = pages.rows.map(id);
  const every = page.every((one) => picked.ids.has(one));
  return (
    <Table.ScrollContainer minWidth={Math.min(columns.length * 110, 760)} type="native" pos="relative">
      <Table highlightOnHover={!!link} stickyHeader className={style.table}>
        <Table.Caption className={style.caption}>{caption}</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            {bulk && (
              <Table.Th w={40}>
                <Checkbox
                  aria-label={t("common.selectPage")}
                  checked={every}
                  indeterminate={!every && page.some((one) => picked.ids.has(one))}
                  onChange={(e) => picked.set(new Set(e.currentTarget.checked ? page : []), false)}
                />
              </Table.Th>
            )}
            {columns.map((c) => (
              <Head key={c.key} column={c} sort={props.sort} onSort={props.onSort} />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {pages.rows.map((row) => (
            <Table.Tr
              key={id(row)}
              onClick={(event) => open(event, row)}
              className={link?.(row) ? style.clickable : undefined}
              bg={picked.ids.has(id(row)) ? "var(--lumo-moving-tint)" : undefined}
            >
              {bulk && (
                <Table.Td>
                  <Checkbox
                    aria-label={t("common.selectRow")}
                    checked={picked.ids.has(id(row))}
                    onChange={(e) => toggle(row, e.currentTarget.checked)}
                  />
                </Table.Td>
              )}
              {columns.map((c, i) => (
                <Table.Td key={c.key} className={c.numeric ? style.numeric : undefined}>
                  {i === 0 ? <RowLink to={link?.(row)}>{c.cell(row)}</RowLink> : c.cell(row)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function RowLink({ to, children }: { to?: string; children: ReactNode }) {
  if (!to) return children;
  return (
    <Anchor component={Link} to={to} inherit>
      {children}
    </Anchor>
  );
}

type HeadProps<T> = { column: Column<T>; sort?: string; onSort?: (sort: string) => void };

function Head<T>({ column, sort, onSort }: HeadProps<T>) {
  const name = column.sort;
  const className = column.numeric ? style.numeric : undefined;
  if (!name || !onSort) return <Table.Th className={className}>{column.title}</Table.Th>;
  const order = sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none";
  const Icon = { ascending: IconSortAscending, descending: IconSortDescending, none: IconSelector }[order];
  return (
    <Table.Th className={className} aria-sort={order}>
      <Button
        variant="transparent"
        color="gray"
        size="compact-sm"
        px={0}
        c="inherit"
        rightSection={<Icon size={14} aria-hidden="true" />}
        onClick={() => onSort(order === "descending" ? name : `-${name}`)}
      >
        {column.title}
      </Button>
    </Table.Th>
  );
}

// Cards show a row on a phone: its name, its state, two facts, what can be done.
function Cards<T>({ caption, columns, pages, id, link }: Props<T>) {
  const [first, ...others] = columns;
  const states = others.filter((c) => c.card === "state");
  const facts = others.filter((c) => c.card === "fact");
  const actions = others.filter((c) => c.card === "actions");
  return (
    <Stack gap="xs" component="ul" aria-label={caption} className={style.cards}>
      {pages.rows.map((row) => (
        <Card key={id(row)} component="li" p="sm">
          <Group justify="space-between" wrap="nowrap" align="start">
            <Text fw={600} component="div" miw={0}>
              {first && <RowLink to={link?.(row)}>{first.cell(row)}</RowLink>}
            </Text>
            {states.map((c) => (
              <div key={c.key}>{c.cell(row)}</div>
            ))}
          </Group>
          {facts.slice(0, 2).map((c) => (
            <Text key={c.key} size="sm" component="div">
              <Text span c="dimmed" size="sm">
                {c.title}{" "}
              </Text>
              {c.cell(row)}
            </Text>
          ))}
          {actions.map((c) => (
            <Group key={c.key} gap="xs" mt="xs">
              {c.cell(row)}
            </Group>
          ))}
        </Card>
      ))}
    </Stack>
  );
}

function Foot<T>({ pages }: { pages: Pages<T> }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  return (
    <Group justify="space-between">
      <Text size="sm" c="dimmed" role="status">
        {pages.total === undefined
          ? t("common.counting")
          : t("common.total", { count: pages.total, n: count(pages.total) })}
      </Text>
      {(pages.previous || pages.next || pages.rows.length > pageSizes[0]) && (
        <Group gap="xs">
          <Select
            size="xs"
            w={84}
            aria-label={t("common.pageSize")}
            data={pageSizes.map(String)}
            value={String(pages.size)}
            onChange={(v) => v && pages.resize(Number(v))}
            allowDeselect={false}
          />
          <Button
            size="xs"
            variant="default"
            disabled={!pages.previous}
            onClick={pages.previous}
            leftSection={<IconChevronLeft size={14} aria-hidden="true" />}
          >
            {t("common.previous")}
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={!pages.next}
            onClick={pages.next}
            rightSection={<IconChevronRight size={14} aria-hidden="true" />}
          >
            {t("common.next")}
          </Button>
        </Group>
      )}
    </Group>
  );
}
