import { Code, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { ApiError, api, read } from "../api";
import { Failed, Fold, Loading } from "../parts";
import { usePlace } from "../place";

// Called folds out what Klaviyo sent, as text: it may be anything, also no JSON.
export function Called({ request }: { request: string }) {
  const { t } = useTranslation();
  return (
    <Fold title={t("flow.called.title")}>
      <Body request={request} />
    </Fold>
  );
}

function Body({ request }: { request: string }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const body = useQuery({
    queryKey: ["flow", "called", request],
    queryFn: () =>
      read(
        api.GET("/merchants/{merchant}/channels/{channel}/flow_requests/{request}/body", {
          params: { path: { ...path, request } },
        }),
      ),
    retry: false,
  });
  if (body.isPending) return <Loading shape="lines" />;
  if (body.error instanceof ApiError && body.error.status === 404)
    return <Text size="sm">{t("flow.called.gone")}</Text>;
  if (body.error) return <Failed error={body.error} again={() => body.refetch()} what="flow.called.failed" />;
  return (
    <section aria-label={t("flow.called.title")}>
      <Text size="sm" c="dimmed" mb={4}>
        {t("flow.called.masked")}
      </Text>
      <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {body.data.body}
      </Code>
    </section>
  );
}
