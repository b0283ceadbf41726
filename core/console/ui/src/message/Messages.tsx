import { Anchor, Button, Card, Group, SimpleGrid, Stack, Switch, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { get, type List, post, type Schema } from "../api";
import {
  Empty,
  Failed,
  Loading,
  Page,
  State,
  useAction,
  useFilters,
  useFormat,
  usePages,
  When,
} from "../parts";
import { LinePhone } from "../phone/LinePhone";
import { usePlace } from "../place";
import { More } from "./Editor";
import style from "./message.module.css";
import { blank, type Message } from "./model";
import { templates, without } from "./templates";
import { shown, useImages } from "./usePreview";

type Row = Schema<"MessageRowView">;

// Messages shows saved messages as tiles.
export function Messages() {
  const { t } = useTranslation();
  const { at, base, channel, mayChange } = usePlace();
  const filters = useFilters(["archived"]);
  const archived = filters.values.archived === "yes";
  const navigate = useNavigate();
  const [choosing, choose] = useState(false);
  const pages = usePages<Row>({
    queryKey: ["message", "list", channel?.id, archived],
    fetch: ({ cursor, limit }) =>
      get<List<Row>>(
        `${at}/messages?limit=${limit}${archived ? "&archived=true" : ""}${cursor ? `&cursor=${cursor}` : ""}`,
      ),
  });
  const create = useAction(async (template: string, headers) => {
    const one = templates.find((x) => x.key === template);
    const name = one ? t(`template.${template}.name`) : t("message.untitled");
    const draft = one ? one.body(t) : { blocks: [blank("text")], utm: {} };
    const made = await post<Message>(`${at}/messages`, { name, draft }, headers);
    navigate(`${base}/messages/${made.id}`);
  });
  const fresh = !pages.loading && !pages.error && pages.rows.length === 0 && !archived;
  return (
    <Page
      title={t("menu.messages")}
      lead={t("message.lead")}
      actions={
        mayChange && (
          <Button onClick={() => (fresh ? create.run("") : choose(!choosing))} aria-expanded={choosing}>
            {t("message.new")}
          </Button>
        )
      }
    >
      {create.error && <Failed error={create.error} what="message.createFailed" />}
      <Switch
        label={t("message.showArchived")}
        checked={archived}
        onChange={(e) => filters.set("archived", e.currentTarget.checked ? "yes" : undefined)}
      />
      {(choosing || (fresh && mayChange)) && <Starts choose={(key) => create.run(key)} />}
      {pages.loading && !pages.error && <Loading shape="cards" />}
      {pages.error && <Failed error={pages.error} again={pages.again} what="message.failed" />}
      {fresh && <Empty kind="new" title={t("message.empty")} text={t("message.emptyWhy")} />}
      {archived && !pages.loading && pages.rows.length === 0 && (
        <Empty kind="filtered" clear={filters.clear} />
      )}
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }} component="ul" p={0} m={0} style={{ listStyle: "none" }}>
        {pages.rows.map((row) => (
          <Tile key={row.id} row={row} mayChange={mayChange} />
        ))}
      </SimpleGrid>
      {(pages.next || pages.previous) && (
        <Group justify="end">
          <Button variant="default" disabled={!pages.previous} onClick={pages.previous}>
            {t("common.previous")}
          </Button>
          <Button variant="default" disabled={!pages.next} onClick={pages.next}>
            {t("common.next")}
          </Button>
        </Group>
      )}
    </Page>
  );
}

function Tile({ row, mayChange }: { row: Row; mayChange: boolean }) {
  const { t, i18n } = useTranslation();
  const { base, channel } = usePlace();
  const { count, rate } = useFormat();
  const client = useQueryClient();
  const images = useImages();
  const clicked = rate(row.clickers, row.sends);
  return (
    <Card component="li" p="sm">
      <div className={style.tile} inert aria-hidden="true">
        <LinePhone
          account={{ name: channel?.name ?? "" }}
          messages={shown(row.messages)}
          label={row.name}
          language={i18n.language}
          scale={0.6}
          resolveImage={images}
        />
      </div>
      <Group justify="space-between" wrap="nowrap" mt="xs" align="start">
        <Anchor
          component={Link}
          to={`${base}/messages/${row.id}`}
          fw={600}
          style={{ overflowWrap: "anywhere" }}
        >
          {row.name}
        </Anchor>
        {mayChange && (
          <More
            id={row.id}
            name={row.name}
            archived={row.archived}
            done={() => client.invalidateQueries({ queryKey: ["message", "list"] })}
          />
        )}
      </Group>
      <State
        of={row.version === 0 || row.changed ? "draft" : "live"}
        words="messageState"
        values={{ n: row.version }}
      />
      <Stack gap={0} mt={4}>
        <Text size="sm">{t("message.sentTimes", { count: row.sends, n: count(row.sends) })}</Text>
        <Text size="sm">
          {clicked
            ? t("message.clickRate", { rate: clicked, n: count(row.clickers), of: count(row.sends) })
            : t("message.clicks", { count: row.clickers, n: count(row.clickers) })}
        </Text>
        <Text size="sm" c="dimmed">
          {t("message.usedBy", { count: row.flows, n: count(row.flows) })}
        </Text>
        {row.last_sent_at && (
          <Text size="sm" c="dimmed">
            {t("message.lastSent")} <When at={row.last_sent_at} />
          </Text>
        )}
      </Stack>
    </Card>
  );
}

// Starts are pictures of messages to begin with.
function Starts({ choose }: { choose: (key: string) => void }) {
  const { t, i18n } = useTranslation();
  const { channel } = usePlace();
  return (
    <Stack component="section" aria-label={t("message.starts")}>
      <Text fw={600}>{t("message.starts")}</Text>
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 6 }}>
        {templates.map((one) => (
          <Card key={one.key} p="sm">
            <div className={style.tile} inert aria-hidden="true">
              <LinePhone
                account={{ name: channel?.name ?? "" }}
                messages={shown(`[${one.body(t).blocks.map(without).join(",")}]`)}
                label={t(`template.${one.key}.name`)}
                language={i18n.language}
                scale={0.5}
              />
            </div>
            <Button variant="default" fullWidth mt="xs" onClick={() => choose(one.key)}>
              {t(`template.${one.key}.name`)}
            </Button>
          </Card>
        ))}
      </SimpleGrid>
      <Button variant="default" w="fit-content" onClick={() => choose("")}>
        {t("message.fromNothing")}
      </Button>
    </Stack>
  );
}
