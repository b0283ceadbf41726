import { Anchor, Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { get, type List, post, type Schema } from "../api";
import { DataTable, Empty, Page, Result, useAction, usePages, When } from "../parts";
import { usePlace } from "../place";

type Item = Schema<"KeptView">;

// Kept lists what Klaviyo refused: it holds up nothing, and can be tried again.
export function Kept() {
  const { t } = useTranslation();
  const { base, merchant, mayChange } = usePlace();
  const client = useQueryClient();
  const at = `/merchants/${merchant.id}/klaviyo/kept`;
  const pages = usePages<Item>({
    queryKey: ["linking", "kept", merchant.id],
    fetch: ({ cursor, limit }) =>
      get<List<Item>>(`${at}?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`),
  });
  const again = useAction(async (item: string) => {
    await post(`${at}/retry`, item ? { item } : {});
    await client.invalidateQueries({ queryKey: ["linking", "kept"] });
  });
  return (
    <Page title={t("linking.kept.title")} lead={t("linking.kept.lead")}>
      {mayChange && pages.rows.length > 0 && (
        <Result of={again} what="linking.kept.notTried" done="linking.kept.triedAt">
          <Button variant="default" onClick={() => again.run("")} loading={again.busy}>
            {t("linking.kept.all")}
          </Button>
        </Result>
      )}
      <DataTable
        caption={t("linking.kept.title")}
        failed="linking.failed"
        pages={pages}
        id={(k) => k.id}
        empty={<Empty kind="good" title={t("linking.kept.none")} />}
        columns={[
          {
            key: "what",
            title: t("linking.kept.what"),
            cell: (k) => (k.kind === "profile" ? t("linking.kept.properties") : (k.metric ?? "")),
          },
          {
            key: "who",
            title: t("linking.kept.who"),
            card: "fact",
            cell: (k) =>
              k.friend ? (
                <Anchor component={Link} to={`${base}/friends/${k.friend.id}`} inherit>
                  {k.friend.name || t("friend.noName")}
                </Anchor>
              ) : (
                "-"
              ),
          },
          {
            key: "why",
            title: t("linking.kept.why"),
            card: "fact",
            cell: (k) => t(`linking.problem.${k.problem}`),
          },
          { key: "when", title: t("linking.kept.when"), cell: (k) => <When at={k.occurred_at} /> },
          {
            key: "again",
            title: t("linking.kept.action"),
            cell: (k) =>
              mayChange ? (
                <Button size="xs" variant="default" onClick={() => again.run(k.id)}>
                  {t("common.again")}
                </Button>
              ) : (
                ""
              ),
          },
        ]}
      />
    </Page>
  );
}
