import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, read, type Schema } from "../api";
import { type Column, DataTable, Empty, Page, useFilters, useFormat, usePages, When } from "../parts";
import { usePlace } from "../place";
import { query, type Whom } from "./Behind";
import type { Days } from "./days";
import { Range, useRange } from "./Range";

type Person = Schema<"PersonBehindView">;

const people = "/merchants/{merchant}/channels/{channel}/statistics/people" as const;

// People lists who stands behind a figure of the statistics, and how often (UX 5.32).
export function People() {
  const { t } = useTranslation();
  const { of = "sent" } = useParams();
  const whom = of as Whom;
  const { base, channel, path } = usePlace();
  const chosen = useRange();
  const { values } = useFilters(["message", "link", "qr_code"]);
  const { message, link, qr_code } = values;
  const pages = usePages<Person>({
    queryKey: ["statistics", channel?.id, "people", whom, chosen.days, values],
    fetch: (page, signal) =>
      read(
        api.GET(people, {
          params: {
            path,
            query: {
              ...page,
              ...chosen.days,
              of: whom,
              message,
              qr_code,
              link: link ? Number(link) : undefined,
            },
          },
          signal,
        }),
      ),
    enabled: !chosen.wrong,
  });
  const columns = useColumns(whom);
  const name = useName(chosen.wrong ? undefined : chosen.days, values);
  return (
    <Page
      title={t(`statistics.people.${whom}`)}
      lead={name}
      actions={
        <Anchor component={Link} to={`${base}/statistics?${query(chosen.days)}`}>
          {t("menu.statistics")}
        </Anchor>
      }
    >
      <Range of={chosen} />
      {!chosen.wrong && (
        <DataTable
          caption={t(`statistics.people.${whom}`)}
          failed="statistics.failed"
          pages={pages}
          id={(p) => p.friend.id}
          link={(p) => `${base}/friends/${p.friend.id}`}
          empty={<Empty kind="new" title={t("statistics.people.none")} />}
          columns={columns}
        />
      )}
    </Page>
  );
}

// useName is of what the people are: a message, a link, a code.
function useName(days: Days | undefined, { message, link, qr_code }: Record<string, string>) {
  const { t } = useTranslation();
  const { channel, path } = usePlace();
  const { from = "", to = "" } = days ?? {};
  const figures = useQuery({
    queryKey: ["statistics", channel?.id, from, to],
    queryFn: () =>
      read(
        api.GET("/merchants/{merchant}/channels/{channel}/statistics", {
          params: { path, query: { from, to } },
        }),
      ),
    enabled: !!days && !!(message || link || qr_code),
  });
  if (message === "direct") return t("statistics.direct");
  if (message) return figures.data?.messages.find((m) => m.id === message)?.name;
  if (link) return figures.data?.links.find((l) => l.number === Number(link))?.target;
  return figures.data?.codes.find((c) => c.id === qr_code)?.name;
}

const repeated = ["sent", "opened", "clicked"]; // a person does the others once

function useColumns(whom: Whom): Column<Person>[] {
  const { t } = useTranslation();
  const { count } = useFormat();
  const often: Column<Person> = {
    key: "n",
    title: t("statistics.people.often"),
    numeric: true,
    card: "fact",
    cell: (p) => count(p.count),
  };
  return [
    { key: "name", title: t("friend.name"), cell: (p) => p.friend.name || t("friend.noName") },
    ...(repeated.includes(whom) ? [often] : []),
    {
      key: "at",
      title: t(`statistics.people.last.${repeated.includes(whom) ? "often" : "once"}`),
      card: "fact",
      cell: (p) => <When at={p.last_at} />,
    },
  ];
}
