import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { get, type List, type Schema } from "../api";
import { DataTable, Empty, Page, State, useFormat, usePages, When } from "../parts";
import { usePlace } from "../place";

export type Code = Schema<"CodeView">;

// Codes lists the custom QR codes with their numbers.
export function Codes() {
  const { t } = useTranslation();
  const { at, base, channel, mayChange } = usePlace();
  const { count } = useFormat();
  const pages = usePages<Code>({
    queryKey: ["linking", "codes", channel?.id],
    fetch: () => get<List<Code>>(`${at}/qr_codes`),
  });
  const make = mayChange && (
    <Button component={Link} to={`${base}/linking/qr/new`}>
      {t("linking.codes.new")}
    </Button>
  );
  return (
    <Page title={t("linking.codes.title")} lead={t("linking.codes.lead")} actions={make}>
      <DataTable
        caption={t("linking.codes.title")}
        failed="linking.failed"
        pages={pages}
        id={(c) => c.id}
        link={(c) => `${base}/linking/qr/${c.id}`}
        empty={
          <Empty
            kind="new"
            title={t("linking.codes.empty")}
            text={t("linking.codes.emptyText")}
            action={make}
          />
        }
        columns={[
          { key: "name", title: t("linking.name"), cell: (c) => c.name },
          { key: "kind", title: t("linking.kind"), cell: (c) => t(`linking.kind.${kind(c)}`) },
          {
            key: "scans",
            title: t("linking.step.scanned"),
            numeric: true,
            card: "fact",
            cell: (c) => count(c.scans),
          },
          { key: "friends", title: t("linking.step.friends"), numeric: true, cell: (c) => count(c.friends) },
          {
            key: "linked",
            title: t("linking.step.linked"),
            numeric: true,
            card: "fact",
            cell: (c) => count(c.linked),
          },
          { key: "last", title: t("linking.lastScan"), cell: (c) => <When at={c.last_scan_at} /> },
          {
            key: "state",
            title: t("linking.state"),
            card: "state",
            cell: (c) => <State of={c.state === "expired" ? "ended" : c.state} words="linking.state" />,
          },
        ]}
      />
    </Page>
  );
}

export const kind = (c: { identify_by: string }) => (c.identify_by === "none" ? "counter" : "customer");
