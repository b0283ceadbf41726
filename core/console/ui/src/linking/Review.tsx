import { useTranslation } from "react-i18next";
import { get, type List, type Schema } from "../api";
import { DataTable, Empty, Page, usePages, When } from "../parts";
import { usePlace } from "../place";

type Item = Schema<"ReviewItemView">;

// Review lists what contradicts a link, for people to decide.
export function Review() {
  const { t } = useTranslation();
  const { at, base, channel } = usePlace();
  const pages = usePages<Item>({
    queryKey: ["linking", "review", channel?.id],
    fetch: () => get<List<Item>>(`${at}/review`),
  });
  return (
    <Page title={t("linking.review.title")} lead={t("linking.review.lead")}>
      <DataTable
        caption={t("linking.review.title")}
        failed="linking.failed"
        pages={pages}
        id={(i) => i.id}
        link={(i) => `${base}/linking/review/${i.id}`}
        empty={<Empty kind="good" title={t("linking.review.none")} />}
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
      />
    </Page>
  );
}
