import {
  Alert,
  Button,
  Card,
  Chip,
  Grid,
  Group,
  Menu,
  Select,
  Stack,
  Text,
  Timeline,
  Title,
} from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { api, type Entry, type FriendDetail, read } from "../api";
import {
  Confirm,
  Copy,
  Empty,
  Failed,
  Fresh,
  Loading,
  Page,
  Reason,
  State,
  useAction,
  useFormat,
  useFresh,
  usePages,
  useUndo,
  When,
} from "../parts";
import { Bubbles } from "../phone/Bubbles";
import { usePlace } from "../place";
import { TestSend } from "../testsend/TestSend";
import { Fact } from "./Fact";
import { LinkBox } from "./LinkBox";
import { messagesOf } from "./messages";
import { Phone } from "./Phone";
import { Picture } from "./Picture";
import { TagBadges, useTags } from "./TagBadge";

const one = "/merchants/{merchant}/channels/{channel}/friends/{friend}" as const;

// FriendPage says who a person is, what happened to them, and whether Klaviyo has it.
export function FriendPage() {
  const { t } = useTranslation();
  const { friend: id = "" } = useParams();
  const place = usePlace();
  const path = { ...place.path, friend: id };
  const friend = useQuery({
    queryKey: ["friend", id],
    queryFn: () => read(api.GET(one, { params: { path } })),
  });
  if (friend.isPending) return <Loading page={t("menu.friend")} />;
  if (friend.error)
    return (
      <Failed
        page={t("menu.friends")}
        error={friend.error}
        again={() => friend.refetch()}
        what="friend.failed"
      />
    );
  const f = friend.data;
  if (f.erased_at)
    return (
      <Page title={t("friend.erasedTitle")}>
        <Alert role="note">
          {t("friend.erasedText")} <When at={f.erased_at} full />
        </Alert>
      </Page>
    );
  return (
    <Page
      title={f.name || t("friend.noName")}
      state={<State of={f.follow_status} words="follow" />}
      actions={
        <>
          <Copy value={support(id, f)} what={t("friend.support")} size="sm" />
          {place.mayManage && <Erase of={f} />}
        </>
      }
    >
      <Grid>
        <Grid.Col span={{ base: 12, md: 4, lg: 3 }}>
          <Stack>
            <About of={f} />
            <LinkBox of={f} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 8, lg: 5 }}>
          <History of={f} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}>
          <Phone of={f} />
        </Grid.Col>
      </Grid>
    </Page>
  );
}

// support is what helps to find somebody without saying who they are.
const support = (id: string, f: FriendDetail) => [id, f.link?.id, f.profile_id].filter(Boolean).join("\n");

// About is the card: state, consent with where it comes from, tags, own email and phone.
function About({ of: f }: { of: FriendDetail }) {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  return (
    <Card withBorder>
      <Stack gap="xs">
        <Picture of={f} size="lg" />
        <Fact name={t("friend.consent")}>
          {t(`consent.${f.consent}`)}
          {f.consent_source && ` · ${t(`consentSource.${f.consent_source}`)}`}{" "}
          {f.consent_at && <When at={f.consent_at} />}
        </Fact>
        <Fact name={t("friend.followed")}>
          <When at={f.followed_at} />
        </Fact>
        {f.blocked_at && (
          <Fact name={t("friend.blockedAt")}>
            <When at={f.blocked_at} />
          </Fact>
        )}
        <Fact name={t("friend.language")}>{f.language || "-"}</Fact>
        <Fact name={t("friend.lastSent")}>
          <When at={f.last_sent_at} />
        </Fact>
        <Fact name={t("friend.lastClicked")}>
          <When at={f.last_clicked_at} />
        </Fact>
        <OwnTags of={f} />
        <Contacts of={f} />
        <Tester of={f} />
        {f.tester && f.follow_status === "following" && mayChange && (
          <Fact name={t("testsend.open")}>
            <TestSend friend={{ id: f.id, name: f.name }} />
          </Fact>
        )}
      </Stack>
    </Card>
  );
}

function useChange(f: FriendDetail) {
  const { path } = usePlace();
  const client = useQueryClient();
  return async (action: "tag" | "untag" | "tester" | "no_tester", tag?: string) => {
    const done = await read(
      api.POST("/merchants/{merchant}/channels/{channel}/friends/bulk", {
        params: { path },
        body: { action, tag, friends: [f.id] },
      }),
    );
    await client.invalidateQueries({ queryKey: ["friend"] });
    return done;
  };
}

function OwnTags({ of: f }: { of: FriendDetail }) {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  const tags = useTags();
  const undo = useUndo();
  const send = useChange(f);
  const own = new Set(f.tags);
  const change = useAction(async ({ tag, on }: { tag: { id: string; name: string }; on: boolean }) => {
    const done = await send(on ? "tag" : "untag", tag.id);
    undo.offer({
      text: t(on ? "friend.tagged" : "friend.untagged", { name: tag.name }),
      undo: () => send(on ? "untag" : "tag", tag.id),
    });
    return done;
  });
  return (
    <Fact name={t("friend.tags")}>
      <Group gap="xs">
        <TagBadges ids={f.tags ?? []} />
        {mayChange && (
          <Menu>
            <Menu.Target>
              <Button size="compact-xs" variant="default">
                {t("friend.changeTags")}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {(tags.data?.items ?? []).map((tag) => (
                <Menu.Item key={tag.id} onClick={() => change.run({ tag, on: !own.has(tag.id) })}>
                  {t(own.has(tag.id) ? "friend.takeTag" : "friend.giveTag", { name: tag.name })}
                </Menu.Item>
              ))}
              {tags.data?.items.length === 0 && <Menu.Label>{t("friend.noTags")}</Menu.Label>}
            </Menu.Dropdown>
          </Menu>
        )}
      </Group>
      {change.error && <Failed error={change.error} what="friend.changeFailed" />}
    </Fact>
  );
}

function Contacts({ of: f }: { of: FriendDetail }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const reveal = useAction(async (_: undefined, headers) =>
    read(api.POST(`${one}/reveal`, { params: { path: { ...path, friend: f.id } }, headers })),
  );
  const shown = reveal.result?.items ?? f.contacts ?? [];
  if (shown.length === 0) return null;
  return (
    <Fact name={t("friend.contacts")}>
      {shown.map((c) => (
        <div key={c.kind}>
          {c.value} · {t(`friend.source.${c.source}`)}
        </div>
      ))}
      {shown.some((c) => c.masked) && (
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => reveal.run(undefined)}
          loading={reveal.busy}
        >
          {t("friend.reveal")}
        </Button>
      )}
    </Fact>
  );
}

function Tester({ of: f }: { of: FriendDetail }) {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  const send = useChange(f);
  const change = useAction(() => send(f.tester ? "no_tester" : "tester"));
  if (!mayChange) return f.tester ? <Fact name={t("friend.testers")}>{t("friend.isTester")}</Fact> : null;
  return (
    <Button size="xs" variant="default" loading={change.busy} onClick={() => change.run()} w="fit-content">
      {t(f.tester ? "friend.noTester" : "friend.tester")}
    </Button>
  );
}

const kinds = [
  "followed",
  "blocked",
  "scanned",
  "linked",
  "sent",
  "not_sent",
  "failed",
  "opened",
  "clicked",
  "consent",
  "tagged",
];

// History is what happened, newest first, by kind and by month.
function History({ of: f }: { of: FriendDetail }) {
  const { t } = useTranslation();
  const place = usePlace();
  const { count, day } = useFormat();
  const path = { ...place.path, friend: f.id };
  const [chosen, setChosen] = useState<string[]>([]);
  const [until, setUntil] = useState<string | null>(null);
  const months = useQuery({
    queryKey: ["friend", f.id, "months"],
    queryFn: () => read(api.GET(`${one}/months`, { params: { path } })),
  });
  const pages = usePages<Entry>({
    queryKey: ["friend", f.id, "timeline", chosen, until],
    fetch: ({ cursor, limit }, signal) =>
      read(
        api.GET(`${one}/timeline`, {
          params: {
            path,
            query: { cursor, limit, kinds: chosen.length ? chosen : undefined, until: until ?? undefined },
          },
          signal,
        }),
      ),
  });
  const box = useRef<HTMLDivElement>(null);
  const fresh = useFresh(pages, (e) => e.id, box, { live: true, ticked: false });
  const days = [...new Set(fresh.rows.map((e) => day(e.at ?? "")))];
  return (
    <Stack component="section" aria-label={t("friend.timeline")}>
      <Group justify="space-between">
        <Title order={2}>{t("friend.timeline")}</Title>
        {(months.data?.items.length ?? 0) > 1 && (
          <Select
            size="xs"
            aria-label={t("friend.month")}
            placeholder={t("friend.month")}
            clearable
            data={months.data?.items.map((m) => ({
              value: m.until ?? "",
              label: `${m.month} (${count(m.entries)})`,
            }))}
            value={until}
            onChange={setUntil}
          />
        )}
      </Group>
      <Chip.Group multiple value={chosen} onChange={setChosen}>
        <Group gap={4}>
          {kinds.map((k) => (
            <Chip key={k} value={k} size="xs">
              {t(`event.${k}`)}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      {pages.error && <Failed error={pages.error} again={pages.again} what="friend.failed" />}
      {!pages.loading && pages.rows.length === 0 && (
        <Empty
          kind={chosen.length ? "filtered" : "new"}
          text={t("friend.nothingYet")}
          clear={() => setChosen([])}
        />
      )}
      <Fresh n={fresh.n} show={fresh.show} />
      <Stack ref={box}>
        {days.map((d) => (
          <Stack key={d} gap="xs">
            <Title order={3} size="sm">
              {d}
            </Title>
            <Timeline bulletSize={14} lineWidth={2}>
              {fresh.rows
                .filter((e) => day(e.at ?? "") === d)
                .map((e) => (
                  <Timeline.Item key={e.id} title={title(t, e)}>
                    <Line of={e} />
                  </Timeline.Item>
                ))}
            </Timeline>
          </Stack>
        ))}
      </Stack>
      <Group>
        {pages.previous && (
          <Button size="xs" variant="default" onClick={pages.previous}>
            {t("common.previous")}
          </Button>
        )}
        {pages.next && (
          <Button size="xs" variant="default" onClick={pages.next}>
            {t("common.next")}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

function title(t: (key: string, values?: Record<string, unknown>) => string, e: Entry) {
  const name = e.data.tag_name ?? e.data.message_name ?? e.data.code;
  return typeof name === "string" && name ? `${t(`event.${e.kind}`)}: ${name}` : t(`event.${e.kind}`);
}

// Line says when, from where, why, and whether Klaviyo has it.
function Line({ of: e }: { of: Entry }) {
  const { t, i18n } = useTranslation();
  const known = i18n.exists(`friend.from.${e.source}`);
  const messages = messagesOf(e);
  return (
    <Stack gap={2}>
      <Group gap="xs">
        <Text size="sm" c="dimmed">
          <When at={e.at} />
        </Text>
        {known && (
          <Text size="sm" c="dimmed">
            {t(`friend.from.${e.source}`)}
          </Text>
        )}
        {e.recorded && (
          <Text size="sm" c={e.recorded === "no" ? "var(--lumo-bad)" : "dimmed"}>
            {e.recorded === "yes" && <span aria-hidden="true">✓ </span>}
            {t(`recorded.${e.recorded}`)}
            {e.problem && i18n.exists(`friend.kept.${e.problem}`) ? `: ${t(`friend.kept.${e.problem}`)}` : ""}
          </Text>
        )}
      </Group>
      {messages.length > 0 && (
        <Bubbles messages={messages} label={t("friend.sentMessages")} language={i18n.language} />
      )}
      {typeof e.data.reason === "string" && <Reason code={e.data.reason} data={e.data} next={false} />}
      {e.kind === "consent" && typeof e.data.consent === "string" && (
        <Text size="sm">{t(`consent.${e.data.consent}`)}</Text>
      )}
    </Stack>
  );
}

// Erase asks for the name: what goes does not come back.
function Erase({ of: f }: { of: FriendDetail }) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const client = useQueryClient();
  const [opened, setOpened] = useState(false);
  const erase = useAction<void, unknown>(async (_, headers) => {
    const done = await read(
      api.POST(`${one}/erase`, {
        params: { path: { ...path, friend: f.id } },
        body: { name: f.name },
        headers,
      }),
    );
    setOpened(false);
    await client.invalidateQueries({ queryKey: ["friend"] });
    return done;
  });
  return (
    <>
      <Button variant="default" c="var(--lumo-bad)" size="sm" onClick={() => setOpened(true)}>
        {t("friend.erase")}
      </Button>
      <Confirm
        opened={opened}
        close={() => setOpened(false)}
        title={t("friend.eraseTitle", { name: f.name || t("friend.noName") })}
        verb={t("friend.eraseDo")}
        action={erase}
        failed="friend.eraseFailed"
        danger
        type={f.name ? { label: t("friend.eraseType", { name: f.name }), expected: f.name } : undefined}
      >
        <Text size="sm">{t("friend.eraseText")}</Text>
      </Confirm>
    </>
  );
}
