import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { get } from "../api";
import { Failed, Loading, Page } from "../parts";
import { usePlace } from "../place";
import type { Import } from "./CheckTable";
import { ImportRun } from "./ImportRun";

// ImportPage is one import, from its check to its undoing.
export function ImportPage() {
  const { t } = useTranslation();
  const { at, base } = usePlace();
  const { run } = useParams();
  const found = useQuery({
    queryKey: ["run", "import", run],
    queryFn: () => get<Import>(`${at}/imports/${run}`),
  });
  if (found.isPending) return <Loading page={t("linking.import.title")} />;
  if (found.error)
    return (
      <Failed
        page={t("linking.import.title")}
        error={found.error}
        again={() => found.refetch()}
        what="linking.failed"
      />
    );
  const i = found.data;
  return (
    <Page
      title={t("linking.import.title")}
      lead={t("linking.import.of", { segment: i.segment_name || i.segment_id, property: i.property })}
      actions={
        <Anchor component={Link} to={`${base}/linking/import`}>
          {t("linking.import.all")}
        </Anchor>
      }
    >
      <ImportRun of={i} />
    </Page>
  );
}
