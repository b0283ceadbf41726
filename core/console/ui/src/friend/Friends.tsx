import { Button, Group, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Friend, post, read } from "../api";
import {
  Choices,
  type Column,
  DataTable,
  Empty,
  endOf,
  isDay,
  Page,
  SearchBox,
  State,
  useFilters,
  usePages,
  When,
} from "../parts";
import { usePlace } from "../place";
import { Bulk, type Filter } from "./Bulk";
import { CsvIn } from "./CsvIn";
import { Followers } from "./Followers";
import { Picture } from "./Picture";
import { TagBadges, useTags } from "./TagBadge";
import { useCustomerNames } from "./useCustomerNames";

const names = ["linked", "state", "consent", "tag", "qr_code", "tester", "from", "until"] as const;
type Filters = Partial<Record<(typeof names)[number], string>>;

// Friends lists who is known on a LINE account, however many. Search words may be an email:
// they go by POST, never into the address.
export function Friends() {
  const { t } = useTranslation();
  const { path, base, at, mayChange, merchant } = usePlace();
  const [text, setText] = useState("");
  const filters = useFilters(names);
  const chosen = filters.values as Filters;
  const until = chosen.until && isDay(chosen.until) ? endOf(chosen.until, merchant.time_zone) : undefined;
  const body = { ...chosen, from: chosen.from ? since(chosen.from) : undefined, until } as Filter;
  const pages = usePages<Friend>({
    queryKey: ["friend", "list", path.channel, text, chosen],
    fetch: ({ cursor, limit }, signal) =>
      read(
        api.POST("/merchants/{merchant}/channels/{channel}/friends/search", {
          params: { path },
          body: { ...body, text, cursor, limit },
          signal,
        }),
      ),
  });
  const counted = useQuery({
    queryKey: ["friend", "count", path.channel, text, chosen],
    queryFn: () => post<{ total: number }>(`${at}/friends/count`, { ...body, text }),
    enabled: !pages.loading && pages.total === undefined,
  });
  const columns = useColumns(useCustomerNames(pages.rows));
  return (
    <Page
      title={t("menu.friends")}
      actions={
        <>
          <Button component="a" href={csv(at, chosen, until)} download variant="default" size="sm">
            {t("friend.csvOut")}
          </Button>
          {mayChange && <CsvIn />}
          {mayChange && <Followers />}
        </>
      }
    >
      <Choices of={useChoices()} filters={filters} saved="friends">
        <SearchBox label={t("friend.search")} onSearch={setText} />
        <Jump
          key={chosen.until}
          day={chosen.until ?? ""}
          to={(day) => filters.set("until", day || undefined)}
        />
      </Choices>
      <DataTable
        caption={t("menu.friends")}
        columns={columns}
        live
        pages={{ ...pages, total: pages.total ?? counted.data?.total }}
        id={(f) => f.id}
        link={(f) => `${base}/friends/${f.id}`}
        failed="friend.failed"
        empty={
          text || filters.any ? (
            <Empty kind="filtered" clear={filters.any ? filters.clear : undefined} />
          ) : (
            <Empty
              kind="new"
              text={t("friend.empty")}
              action={
                <Button component={Link} to={`${base}/linking/qr`}>
                  {t("friend.emptyAction")}
                </Button>
              }
            />
          )
        }
        bulk={mayChange ? (selection) => <Bulk selection={selection} filter={body} /> : undefined}
        bulkAll={text === ""}
      />
    </Page>
  );
}

// since turns "30" into the moment so many days ago.
const since = (days: string) => new Date(Date.now() - Number(days) * 86_400_000).toISOString();

// Jump begins the list with those who followed on a day, or before it: newest first.
function Jump({ day, to }: { day: string; to: (day: string) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(day);
  const go = (value: string) => {
    setTyped(value);
    if (value !== day && (value === "" || isDay(value))) to(value);
  };
  return (
    <Group component="label" gap="xs" wrap="nowrap">
      <Text component="span" size="sm">
        {t("friend.jump")}
      </Text>
      <TextInput type="date" size="sm" value={typed} onChange={(e) => go(e.currentTarget.value)} />
    </Group>
  );
}

const csv = (at: string, f: Filters, until?: string) => {
  const query = new URLSearchParams(f as Record<string, string>);
  if (f.from) query.set("from", since(f.from));
  query.delete("until");
  if (until) query.set("until", until);
  return `/api/v1${at}/friends.csv?${query}`;
};

function useChoices() {
  const { t } = useTranslation();
  const { path } = usePlace();
  const tags = useTags();
  const codes = useQuery({
    queryKey: ["linking", "codes", path.channel],
    queryFn: () => read(api.GET("/merchants/{merchant}/channels/{channel}/qr_codes", { params: { path } })),
  });
  const words = (of: string, values: string[]) =>
    values.map((value) => ({ value, label: t(`${of}.${value}`) }));
  return [
    { name: "linked", label: t("friend.linked"), options: words("friend.linkedIs", ["yes", "no"]) },
    {
      name: "state",
      label: t("friend.state"),
      options: words("follow", ["following", "blocked", "not_friend"]),
    },
    {
      name: "consent",
      label: t("friend.consent"),
      options: words("consent", ["given", "withdrawn", "unknown"]),
    },
    {
      name: "tag",
      label: t("friend.tags"),
      options: (tags.data?.items ?? []).map((tag) => ({ value: tag.id, label: tag.name })),
    },
    {
      name: "qr_code",
      label: t("friend.code"),
      options: (codes.data?.items ?? []).map((c) => ({ value: c.id, label: c.name })),
    },
    {
      name: "from",
      label: t("friend.followed"),
      options: ["7", "30", "90", "365"].map((value) => ({
        value,
        label: t("friend.lastDays", { n: value }),
      })),
    },
    {
      name: "tester",
      label: t("friend.testers"),
      options: [{ value: "yes", label: t("friend.onlyTesters") }],
    },
  ].filter((c) => c.options.length > 0);
}

function useColumns(customers: Map<string, string>): Column<Friend>[] {
  const { t } = useTranslation();
  return [
    {
      key: "name",
      title: t("friend.name"),
      cell: (f) => (
        <Group component="span" gap="xs" wrap="nowrap" display="inline-flex">
          <Picture of={f} size="sm" />
          <span>{f.name || t("friend.noName")}</span>
        </Group>
      ),
    },
    {
      key: "linked",
      title: t("friend.linked"),
      card: "fact",
      cell: (f) => (
        <>
          <State of={f.linked ? "linked" : "not_linked"} words="friend.is" />
          <Text size="xs" component="div">
            {customers.get(f.profile_id ?? "")}
          </Text>
        </>
      ),
    },
    {
      key: "state",
      title: t("friend.state"),
      card: "state",
      cell: (f) => <State of={f.follow_status} words="follow" />,
    },
    { key: "tags", title: t("friend.tags"), cell: (f) => <TagBadges ids={f.tags ?? []} /> },
    {
      key: "followed",
      title: t("friend.followed"),
      card: "fact",
      cell: (f) => <When at={f.followed_at} />,
    },
    { key: "sent", title: t("friend.lastSent"), cell: (f) => <When at={f.last_sent_at} /> },
    { key: "clicked", title: t("friend.lastClicked"), cell: (f) => <When at={f.last_clicked_at} /> },
    { key: "language", title: t("friend.language"), cell: (f) => f.language || "-" },
  ];
}
