import { Button, Card, Group, SimpleGrid, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { get, type List, type Schema } from "../api";
import { Empty, Failed, Loading, Page, useFormat, When } from "../parts";
import { LinePhone } from "../phone/LinePhone";
import { usePlace } from "../place";
import type { Message } from "./model";
import type { Back } from "./useBack";
import { shown, useImages } from "./usePreview";

// Versions shows what was published: what people got stays readable.
export function Versions() {
  const { t, i18n } = useTranslation();
  const { message } = useParams();
  const { at, base, channel, mayChange } = usePlace();
  const { count } = useFormat();
  const images = useImages();
  const found = useQuery({
    queryKey: ["message", "versions", message],
    queryFn: () => get<List<Schema<"VersionView">>>(`${at}/messages/${message}/versions`),
  });
  const one = useQuery({
    queryKey: ["message", "name", message],
    queryFn: () => get<Message>(`${at}/messages/${message}`),
  });
  return (
    <Page
      title={one.data ? t("message.versionsOf", { name: one.data.name }) : t("message.versions")}
      lead={t("message.versionsLead")}
      actions={
        <Button variant="default" component={Link} to={`${base}/messages/${message}`}>
          {t("message.back")}
        </Button>
      }
    >
      {found.isPending && <Loading shape="cards" />}
      {found.error && <Failed error={found.error} again={() => found.refetch()} what="message.failed" />}
      {found.data?.items.length === 0 && <Empty kind="new" title={t("message.never")} />}
      <SimpleGrid cols={{ base: 1, md: 2, lg: 3 }}>
        {found.data?.items.map((v) => (
          <Card key={v.version} component="article">
            <Title order={2} size="h4">
              {t("message.version", { n: v.version })}
            </Title>
            <Text size="sm">{v.name}</Text>
            <Group gap="xs" mb="xs">
              <Text size="sm" c="dimmed">
                <When at={v.published_at} full /> {v.published_by}
              </Text>
              <Text size="sm">{t("message.sentTimes", { count: v.sends, n: count(v.sends) })}</Text>
            </Group>
            <LinePhone
              account={{ name: channel?.name ?? "" }}
              messages={shown(v.messages)}
              label={t("message.previewOf", { name: t("message.version", { n: v.version }) })}
              language={i18n.language}
              scale={0.8}
              resolveImage={images}
            />
            {mayChange && one.data?.archived === false && (
              <Button
                variant="default"
                size="xs"
                mt="xs"
                component={Link}
                to={`${base}/messages/${message}`}
                state={{ version: v.version, body: v.body } satisfies Back}
              >
                {t("message.bringBack", { n: v.version })}
              </Button>
            )}
          </Card>
        ))}
      </SimpleGrid>
    </Page>
  );
}
