import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, read, type Schema } from "../api";
import {
  type Column,
  DataTable,
  Empty,
  Page,
  Reason,
  useFilters,
  useFormat,
  usePages,
  useShortReason,
  When,
} from "../parts";
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
  const { values } = useFilters(["message", "link", "qr_code", "reason"]);
  const { message, link, qr_code, reason } = values;
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
              reason,
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
          id={(p) => p.id}
          link={(p) =>
            p.friend ? `${base}/friends/${p.friend.id}` : p.request && `${base}/flows/requests/${p.request}`
          }
          empty={<Empty kind="new" title={t("statistics.people.none")} />}
          columns={columns}
        />
      )}
    </Page>
  );
}

// useName is of what the people are: a reason, a message, a link, a code.
function useName(days: Days | undefined, { message, link, qr_code, reason }: Record<string, string>) {
  const { t } = useTranslation();
  const short = useShortReason();
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
  if (reason) return short(reason);
  if (message === "direct") return t("statistics.direct");
  if (message) return figures.data?.messages.find((m) => m.id === message)?.name;
  if (link) return figures.data?.links.find((l) => l.number === Number(link))?.target;
  return figures.data?.codes.find((c) => c.id === qr_code)?.name;
}

// nameOf is what is known of a person: who is no friend has no name here, but a profile.
function nameOf(p: Person, t: (key: string) => string) {
  if (p.friend) return p.friend.name || t("friend.noName");
  return p.profile_id || t("statistics.people.nobody");
}

const repeated = ["sent", "not_sent", "failed", "opened", "clicked"]; // a person does the others once
const missed = ["not_sent", "failed"]; // these have a reason

function useColumns(whom: Whom): Column<Person>[] {
  const { t } = useTranslation();
  const { base } = usePlace();
  const { count } = useFormat();
  const why: Column<Person>[] = [
    {
      key: "why",
      title: t("statistics.people.why"),
      card: "fact",
      cell: (p) => <Reason code={p.reason} data={p.reason_data} />,
    },
    {
      key: "call",
      title: t("statistics.people.call"),
      card: "actions",
      cell: (p) =>
        p.request ? (
          <Anchor component={Link} to={`${base}/flows/requests/${p.request}`} size="sm">
            {t("statistics.people.openCall")}
          </Anchor>
        ) : (
          "-"
        ),
    },
  ];
  const often: Column<Person> = {
    key: "n",
    title: t("statistics.people.often"),
    numeric: true,
    card: missed.includes(whom) ? undefined : "fact", // a card has room for two
    cell: (p) => count(p.count),
  };
  return [
    { key: "name", title: t("friend.name"), cell: (p) => nameOf(p, t) },
    ...(repeated.includes(whom) ? [often] : []),
    {
      key: "at",
      title: t(`statistics.people.last.${repeated.includes(whom) ? "often" : "once"}`),
      card: "fact",
      cell: (p) => <When at={p.last_at} />,
    },
    ...(missed.includes(whom) ? why : []),
  ];
}
