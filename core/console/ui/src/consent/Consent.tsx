import { Button, Card, SimpleGrid, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, read } from "../api";
import { Failed, Loading, Page, useAction, useFormat, When } from "../parts";
import { left } from "../parts/format";
import { usePlace } from "../place";
import { RunBox } from "../run/RunBox";
import { isOpen, useRuns } from "../run/useRuns";
import { useConsent } from "./useConsent";

// Consent says who agrees to LINE messages, and reads it again from LINE.
export function Consent() {
  const { t } = useTranslation();
  const { path, mayManage } = usePlace();
  const { count } = useFormat();
  const client = useQueryClient();
  const consent = useConsent();
  const runs = useRuns("consent");
  const refresh = useAction(async (_: undefined, headers) => {
    const done = await read(
      api.POST("/merchants/{merchant}/channels/{channel}/consent/refresh", { params: { path }, headers }),
    );
    await client.invalidateQueries({ queryKey: ["run"] });
    return done;
  });
  if (consent.isPending) return <Loading page={t("menu.consent")} />;
  if (consent.error)
    return (
      <Failed
        page={t("menu.consent")}
        error={consent.error}
        again={() => consent.refetch()}
        what="consent.failed"
      />
    );
  const c = consent.data;
  const last = runs.data?.items[0];
  const busy = !!last && isOpen(last);
  const time = left(c.expected_seconds);
  return (
    <Page
      title={t("menu.consent")}
      lead={t("consent.rule")}
      actions={
        mayManage && (
          <Button onClick={() => refresh.run(undefined)} loading={refresh.busy} disabled={busy}>
            {t("consent.update")}
          </Button>
        )
      }
    >
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        {(["given", "withdrawn", "unknown"] as const).map((k) => (
          <Card key={k} withBorder>
            <Text size="sm" c="dimmed">
              {t(`consent.${k}`)}
            </Text>
            <Text fz={28} fw={600} data-testid={`consent-${k}`}>
              {count(c[k])}
            </Text>
          </Card>
        ))}
      </SimpleGrid>
      <Text size="sm" c="dimmed" component="div">
        {t("consent.changed")} <When at={c.changed_at} />
      </Text>
      <Stack gap="xs">
        <Text size="sm">{t(c.verified ? "consent.byList" : "consent.oneByOne")}</Text>
        <Text size="sm">
          {t("consent.takes", { time: t(`common.left.${time.unit}`, { n: count(time.n) }) })}
        </Text>
        <Text size="sm">{t("consent.promise")}</Text>
      </Stack>
      {refresh.error && <Failed error={refresh.error} what="consent.notStarted" />}
      {last && (
        <Card withBorder>
          <RunBox of={last} title={t("consent.update")} />
          {last.state === "done" && (
            <Text size="sm" mt="xs" role="status">
              {t("consent.result", {
                n: count(last.counts.given ?? 0),
                m: count(last.counts.withdrawn ?? 0),
                k: count(last.counts.unchanged ?? 0),
              })}
            </Text>
          )}
        </Card>
      )}
    </Page>
  );
}
