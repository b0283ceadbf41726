import { Button, Card, Code, Stack, Switch, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Channel, call, get } from "../api";
import { CopyField, Failed, Loading, Page, Result, Section, useAction } from "../parts";
import { usePlace } from "../place";
import { LinkHost } from "./LinkHost";
import { type Utm, UtmFields, utmFields } from "./Utm";

// Tracking says what is measured, and how shops' own statistics name it (UX 5.34).
export function Tracking() {
  const { t } = useTranslation();
  const { at, channel } = usePlace();
  const found = useQuery({
    queryKey: ["connection", "channel", channel?.id],
    queryFn: () => get<Channel>(at),
  });
  return (
    <Page title={t("tracking.title")} lead={channel?.name}>
      {found.isPending && <Loading shape="cards" />}
      {found.error && <Failed error={found.error} again={() => found.refetch()} what="tracking.failed" />}
      {found.data && <Form from={found.data} />}
      {found.data && <LinkHost />}
    </Page>
  );
}

function Form({ from }: { from: Channel }) {
  const { t } = useTranslation();
  const { at } = usePlace();
  const client = useQueryClient();
  const [utm, setUtm] = useState<Utm>(from.utm);
  const save = useAction(async (part: { utm?: Utm; opens_measured?: boolean }) => {
    const now = await call<Channel>("PATCH", at, part);
    client.setQueryData(["connection", "channel", from.id], now);
    return now;
  });
  const example = exampleOf(utm, t("tracking.exampleMessage"), from.name);
  return (
    <>
      <Section title={t("tracking.opens")}>
        <Card>
          <Stack gap="sm">
            <Switch
              label={t("tracking.opensOn")}
              description={t("tracking.opensHow")}
              checked={from.opens_measured}
              onChange={(e) => save.run({ opens_measured: e.currentTarget.checked })}
            />
            <CopyField
              label={t("tracking.disclosureLabel")}
              value={t("tracking.disclosure", { name: from.name })}
            />
          </Stack>
        </Card>
      </Section>
      <Section title={t("tracking.utm")}>
        <Card>
          <Stack gap="sm">
            <Text size="sm">{t("tracking.utmHow")}</Text>
            <UtmFields utm={utm} set={setUtm} />
            <Text size="sm" c="dimmed">
              {t("tracking.example")}
            </Text>
            <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
              {example}
            </Code>
            <Result of={save} what="tracking.saveFailed">
              <Button onClick={() => save.run({ utm })} loading={save.busy}>
                {t("tracking.save")}
              </Button>
            </Result>
          </Stack>
        </Card>
      </Section>
    </>
  );
}

// exampleOf is a link as the shop's own statistics would see it.
function exampleOf(utm: Utm, message: string, account: string): string {
  const values: Record<string, string> = { message, account, version: "1" };
  const fill = (text: string) =>
    text.replace(
      /\[\[\s*(\w+)\s*(?:\|\s*(.*?)\s*)?\]\]/g,
      (_, name: string, other = "") => values[name] ?? other,
    );
  const query = new URLSearchParams();
  for (const name of utmFields) {
    const text = fill(utm[name] ?? "").trim();
    if (text) query.set(`utm_${name}`, text);
  }
  return `https://shop.example/tea${query.size > 0 ? `?${query}` : ""}`;
}
