import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { get, type List, type Schema } from "../api";
import { DataTable, Empty, Page, State, useFormat, usePages } from "../parts";
import { usePlace } from "../place";

export type Form = Schema<"FormView">;

// Forms lists the forms of shop pages after which customers can link themselves.
export function Forms() {
  const { t } = useTranslation();
  const { at, base, channel, mayChange } = usePlace();
  const { count } = useFormat();
  const pages = usePages<Form>({
    queryKey: ["linking", "forms", channel?.id],
    fetch: () => get<List<Form>>(`${at}/forms`),
  });
  const make = mayChange && (
    <Button component={Link} to={`${base}/linking/forms/new`}>
      {t("linking.forms.new")}
    </Button>
  );
  return (
    <Page title={t("linking.forms.title")} lead={t("linking.forms.lead")} actions={make}>
      <DataTable
        caption={t("linking.forms.title")}
        failed="linking.failed"
        pages={pages}
        id={(f) => f.id}
        link={(f) => `${base}/linking/forms/${f.id}`}
        empty={
          <Empty
            kind="new"
            title={t("linking.forms.empty")}
            text={t("linking.forms.emptyText")}
            action={make}
          />
        }
        columns={[
          { key: "name", title: t("linking.name"), cell: (f) => f.name },
          ...(["submitted", "shown", "tapped", "linked"] as const).map((n) => ({
            key: n,
            title: t(`linking.step.${n}`),
            numeric: true,
            card: n === "submitted" || n === "linked" ? ("fact" as const) : undefined,
            cell: (f: Form) => count(f[n]),
          })),
          {
            key: "state",
            title: t("linking.state"),
            card: "state",
            cell: (f) => <State of={f.state} words="linking.state" />,
          },
        ]}
      />
    </Page>
  );
}
