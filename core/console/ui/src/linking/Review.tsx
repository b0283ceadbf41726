import { useTranslation } from "react-i18next";
import { get, type List, type Schema } from "../api";
import { Choices, DataTable, Empty, Page, useFilters, usePages, When } from "../parts";
import { usePlace } from "../place";
import { ReviewMany } from "./ReviewMany";
import { ReviewRuns } from "./ReviewRuns";

type Item = Schema<"ReviewItemView">;

const kinds = ["two_profiles", "two_friends", "shared_phone"] as const;

// Review lists what contradicts a link, for people to decide: one by one, or many by one rule.
export function Review() {
  const { t } = useTranslation();
  const { at, base, channel, mayChange } = usePlace();
  const filters = useFilters(["kind"]);
  const kind = kinds.find((k) => k === filters.values.kind);
  const pages = usePages<Item>({
    queryKey: ["linking", "review", channel?.id, kind],
    fetch: ({ cursor, limit }) =>
      get<List<Item>>(
        `${at}/review?limit=${limit}${kind ? `&kind=${kind}` : ""}${cursor ? `&cursor=${cursor}` : ""}`,
      ),
  });
  return (
    <Page title={t("linking.review.title")} lead={t("linking.review.lead")}>
      <ReviewRuns />
      <Choices
        of={[
          {
            name: "kind",
            label: t("linking.kind"),
            options: kinds.map((value) => ({ value, label: t(`linking.review.kind.${value}`) })),
          },
        ]}
        filters={filters}
        saved="review"
      />
      <DataTable
        caption={t("linking.review.title")}
        failed="linking.failed"
        live
        pages={pages}
        id={(i) => i.id}
        link={(i) => `${base}/linking/review/${i.id}`}
        empty={
          filters.any ? (
            <Empty kind="filtered" clear={filters.clear} />
          ) : (
            <Empty kind="good" title={t("linking.review.none")} />
          )
        }
        columns={[
          { key: "kind", title: t("linking.kind"), cell: (i) => t(`linking.review.kind.${i.kind}`) },
          {
            key: "who",
            title: t("linking.review.who"),
            card: "fact",
            cell: (i) => [i.friend.name, i.other?.name].filter(Boolean).join(" · ") || t("friend.noName"),
          },
          { key: "how", title: t("linking.review.how"), cell: (i) => t(`linking.method.${i.method}`) },
          {
            key: "since",
            title: t("linking.review.since"),
            card: "fact",
            cell: (i) => <When at={i.since} />,
          },
        ]}
        bulk={mayChange ? (selection) => <ReviewMany selection={selection} kind={kind} /> : undefined}
        bulkAll
      />
    </Page>
  );
}
