import {
  Alert,
  Button,
  Card,
  Group,
  List,
  Menu,
  SegmentedControl,
  Stack,
  Switch,
  Text,
  TextInput,
} from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { call, get, isClash, post, type Schema } from "../api";
import { Failed, Loading, lineCause, Page, Result, State, useAction, useFormat, useUndo } from "../parts";
import { Preview } from "../phone/Preview";
import { usePlace } from "../place";
import { TestSend } from "../testsend/TestSend";
import { Blocks } from "./Blocks";
import { GetJson } from "./GetJson";
import style from "./message.module.css";
import { type Body, goesOn, inOrder, type Message, type Problem } from "./model";
import { PreviewAs } from "./PreviewAs";
import { placeOf, show, useProblems } from "./problems";
import { Campaign } from "./Utm";
import { useBack } from "./useBack";
import { useEditors } from "./useEditors";
import { shown, useImages, usePreview } from "./usePreview";
import { useSteps } from "./useSteps";

// Editor writes one message (UX 5.16).
export function Editor() {
  const { t } = useTranslation();
  const { message } = useParams();
  const { at, channel } = usePlace();
  const found = useQuery({
    queryKey: ["message", "one", channel?.id, message],
    queryFn: () => get<Message>(`${at}/messages/${message}`),
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  if (found.isPending) return <Loading page={t("message.one")} />;
  if (found.error)
    return (
      <Failed
        page={t("menu.messages")}
        error={found.error}
        again={() => found.refetch()}
        what="message.failed"
      />
    );
  return <Draft key={message} from={found.data} />;
}

const pause = 2000; // ms after the last change until the draft is saved

// useDraft keeps what is written and saves it by itself. A clash stops saving: nothing of
// somebody else's is overwritten.
function useDraft(from: Message) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { at } = usePlace();
  const [name, setName] = useState(from.name);
  const [draft, setDraft] = useState<Body>(from.draft);
  const [saved, setSaved] = useState(from);
  const [clash, setClash] = useState<Message>();
  const copied = useRef(false);
  const copy = useAction<void, Message>(async (_, headers) => {
    const named = t("message.copyOf", { name }).slice(0, 120);
    const made = await post<Message>(`${at}/messages`, { name: named, draft }, headers);
    copied.current = true;
    client.invalidateQueries({ queryKey: ["message", "list"] });
    return made;
  });
  const left = useRef(false);
  const save = useAction(async () => {
    try {
      const now = await call<Message>("PUT", `${at}/messages/${from.id}`, {
        name,
        draft,
        revision: saved.revision,
      });
      setSaved(now);
      return now;
    } catch (error) {
      if (isClash(error)) {
        if (left.current) copy.run();
        else setClash(await get<Message>(`${at}/messages/${from.id}`));
      }
      throw error;
    }
  });
  const content = inOrder([name, draft]);
  const dirty = content !== inOrder([saved.name, saved.draft]);
  const latest = useRef(save.run);
  latest.current = save.run;
  useEffect(() => {
    if (!dirty || clash || !content) return;
    const timer = setTimeout(() => latest.current(), pause);
    return () => clearTimeout(timer);
  }, [dirty, content, clash]);
  useEffect(() => {
    const leave = (event: BeforeUnloadEvent) => {
      if (dirty && !clash) latest.current();
      if (dirty) event.preventDefault();
    };
    window.addEventListener("beforeunload", leave);
    return () => window.removeEventListener("beforeunload", leave);
  }, [dirty, clash]);
  // Leaving never asks and loses nothing: what cannot be saved is kept as a copy.
  const leave = useRef(() => {});
  leave.current = () => {
    if (dirty && !clash) save.run();
    if (dirty && clash && !copied.current) copy.run();
  };
  useEffect(() => {
    left.current = false;
    return () => {
      left.current = true;
      leave.current();
    };
  }, []);
  return { name, setName, draft, setDraft, saved, setSaved, save, dirty, clash, copy };
}

function Draft({ from }: { from: Message }) {
  const { t } = useTranslation();
  const { at, base, mayChange } = usePlace();
  const [params, setParams] = useSearchParams();
  const client = useQueryClient();
  const undo = useUndo();
  const d = useDraft(from);
  useSteps(d.draft, d.setDraft, goesOn);
  useBack(d.draft, d.setDraft);
  const [friend, setFriend] = useState("");
  const [checked, setChecked] = useState<{ of: string; problems: Problem[] }>();
  const preview = usePreview(d.draft, friend, d.name, d.saved.version + 1);
  const key = JSON.stringify(d.draft);
  const own = preview.data?.problems ?? from.problems;
  const problems = checked?.of === key ? checked.problems : own;
  const publish = useAction(async () => {
    const now = d.dirty ? await d.save.run() : d.saved;
    if (!now) return undefined;
    const done = await post<Schema<"PublishView">>(`${at}/messages/${from.id}/publish`, {
      revision: now.revision,
    });
    setChecked({ of: JSON.stringify(d.draft), problems: done.problems });
    if (done.published) {
      d.setSaved(done.message);
      client.invalidateQueries({ queryKey: ["message", "list"] });
    }
    return done;
  });
  const [testing, setTesting] = useState(false);
  const panel = params.get("panel") === "json";
  const readOnly = !mayChange || d.saved.archived;
  return (
    <Page
      title={d.name || t("message.one")}
      state={
        <State
          of={d.saved.version === 0 ? "draft" : d.saved.changed || d.dirty ? "draft" : "live"}
          words="messageState"
          values={{ n: d.saved.version }}
        />
      }
      lead={d.saved.version > 0 ? t("message.sends", { n: d.saved.version }) : t("message.never")}
      actions={
        <>
          <Button variant="default" component={Link} to={`${base}/messages/${from.id}/versions`}>
            {t("message.versions")}
          </Button>
          <Button
            variant="default"
            onClick={() => setParams(panel ? {} : { panel: "json" })}
            aria-expanded={panel}
          >
            {t("message.getJson")}
          </Button>
          {!readOnly && !d.clash && (
            <Button variant="default" onClick={() => setTesting(!testing)} aria-expanded={testing}>
              {t("testsend.open")}
            </Button>
          )}
          {!readOnly && (
            <Button onClick={() => publish.run()} loading={publish.busy} disabled={!!d.clash}>
              {t("message.publish", { n: d.saved.version + 1 })}
            </Button>
          )}
        </>
      }
    >
      {d.clash && <Clash mine={d} theirs={d.clash} />}
      {!readOnly && <Others message={from.id} />}
      {publish.result?.published && !d.dirty && (
        <Alert color="green" variant="light" role="status">
          {t("message.published", { n: d.saved.version })}
        </Alert>
      )}
      {publish.error && <Failed error={publish.error} what="message.publishFailed" />}
      {testing && (
        <Card withBorder component="section" aria-label={t("testsend.open")}>
          <TestSend
            message={from.id}
            ready={async () => {
              if (d.dirty && !(await d.save.run())) throw new Error();
            }}
          />
        </Card>
      )}
      {panel && <GetJson message={d.saved} friend={friend} />}
      <div className={style.columns}>
        <Stack>
          <Group align="end">
            <TextInput
              label={t("message.name")}
              value={d.name}
              onChange={(e) => d.setName(e.currentTarget.value)}
              maxLength={120}
              readOnly={readOnly}
              style={{ flex: 1 }}
            />
            {!readOnly && !d.clash && (
              <Result of={d.save} what="message.saveFailed">
                {null}
              </Result>
            )}
          </Group>
          <Blocks
            draft={d.draft}
            set={d.setDraft}
            problems={problems}
            tracked={preview.data?.tracked}
            readOnly={readOnly}
            removed={(before) =>
              undo.offer({ text: t("message.removed"), undo: async () => d.setDraft(before) })
            }
          />
          <Campaign draft={d.draft} set={d.setDraft} problems={problems} readOnly={readOnly} />
          <Problems problems={problems} draft={d.draft} set={d.setDraft} readOnly={readOnly} />
        </Stack>
        <Side name={d.name} preview={preview} friend={friend} setFriend={setFriend} />
      </div>
    </Page>
  );
}

// Others says who else has the message open: another member, or oneself in another tab.
function Others({ message }: { message: string }) {
  const { t } = useTranslation();
  const { members, again } = useEditors(message);
  return (
    <div role="status" style={{ display: "contents" }}>
      {members.map((m) => (
        <Text key={m.id} size="sm">
          {t("message.editingToo", { name: m.name || t("message.somebody") })}
        </Text>
      ))}
      {again && <Text size="sm">{t("message.openTwice")}</Text>}
    </div>
  );
}

type Kept = ReturnType<typeof useDraft>;

// Clash says that somebody saved meanwhile; nothing of either is lost.
function Clash({ mine, theirs }: { mine: Kept; theirs: Message }) {
  const { t } = useTranslation();
  const { base } = usePlace();
  const { time } = useFormat();
  const navigate = useNavigate();
  const [compare, setCompare] = useState(false);
  const keep = async () => {
    const made = await mine.copy.run();
    if (made) navigate(`${base}/messages/${made.id}`);
  };
  const who = theirs.updated_by || t("message.somebody");
  return (
    <Alert
      color="yellow"
      variant="light"
      role="alert"
      title={t("message.clash", { name: who, time: theirs.updated_at ? time(theirs.updated_at) : "" })}
    >
      <Group>
        <Button size="xs" variant="default" onClick={() => setCompare(!compare)}>
          {t("message.compare")}
        </Button>
        <Button size="xs" onClick={keep} loading={mine.copy.busy}>
          {t("message.keepMine")}
        </Button>
      </Group>
      {mine.copy.error && <Failed error={mine.copy.error} what="message.saveFailed" />}
      {compare && (
        <Group align="start" grow mt="sm">
          {[
            { title: t("message.mine"), draft: mine.draft },
            { title: who, draft: theirs.draft },
          ].map((side) => (
            <Stack key={side.title} gap={4}>
              <Text fw={600}>{side.title}</Text>
              {side.draft.blocks.map((b, i) => (
                <Text key={i} size="xs" style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
                  {b}
                </Text>
              ))}
            </Stack>
          ))}
        </Group>
      )}
    </Alert>
  );
}

type ProblemsProps = { problems: Problem[]; draft: Body; set: (d: Body) => void; readOnly?: boolean };

// Problems lists what stands in the way; each leads to its block, and some mend themselves.
function Problems({ problems, draft, set, readOnly }: ProblemsProps) {
  const { t } = useTranslation();
  const say = useProblems(draft.blocks);
  const parts: Record<string, string> = { campaign: t("message.utm"), extras: t("message.extras") };
  const fix = (p: Problem) => {
    const quoted = (v: unknown) => JSON.stringify(v).slice(1, -1);
    set({
      ...draft,
      blocks: draft.blocks.map((b, i) =>
        i === p.block ? b.replace(quoted(p.data?.found), quoted(p.data?.fix)) : b,
      ),
    });
  };
  return (
    <Card component="section" aria-label={t("message.problems")}>
      <Text fw={600} mb="xs" role="status">
        {problems.length === 0
          ? t("message.noProblems")
          : t("message.problemCount", { count: problems.length, n: problems.length })}
      </Text>
      <List listStyleType="none" spacing="xs">
        {problems.map((p, i) => {
          const place = placeOf(p);
          const cause = p.code === "line_refuses" ? lineCause(String(p.data?.original ?? "")) : undefined;
          return (
            <List.Item key={i}>
              <Group gap="xs">
                <State of={p.level === "error" ? "bad" : "warning"} words="problemLevel" />
                <Text size="sm">{say(p)}</Text>
                {place && (
                  <Button size="compact-xs" variant="subtle" onClick={() => show(place, say(p))}>
                    {parts[place] ?? t("message.toBlock", { n: p.block + 1 })}
                  </Button>
                )}
                {p.code === "klaviyo_template" && !!p.data?.fix && !readOnly && (
                  <Button size="compact-xs" variant="default" onClick={() => fix(p)}>
                    {t("message.fix")}
                  </Button>
                )}
              </Group>
              {cause && <Text size="sm">{t(cause.key, cause.values)}</Text>}
              {p.code === "line_refuses" && (
                <details>
                  <summary>{t("message.details")}</summary>
                  <Text size="xs">{t("problem.line.says")}</Text>
                  <Text size="xs" lang="en">
                    “{String(p.data?.property ?? "")}: {String(p.data?.original ?? "")}”
                  </Text>
                </details>
              )}
            </List.Item>
          );
        })}
      </List>
    </Card>
  );
}

type SideProps = {
  name: string;
  preview: ReturnType<typeof usePreview>;
  friend: string;
  setFriend: (id: string) => void;
};

// Side shows the message as a chosen person would see it.
function Side({ name, preview, friend, setFriend }: SideProps) {
  const { t, i18n } = useTranslation();
  const { channel } = usePlace();
  const images = useImages();
  const [mode, setMode] = useState<"phone" | "notification" | "text">("phone");
  const [width, setWidth] = useState<320 | 375 | 430>(375);
  const [areas, showAreas] = useState(false);
  const messages = shown(preview.data?.messages, preview.data?.gaps);
  const touched = messages.some((m) => m.message.type === "imagemap");
  return (
    <Stack className={style.side} gap="sm">
      <PreviewAs friend={friend} choose={setFriend} />
      <SegmentedControl
        aria-label={t("message.mode")}
        value={mode}
        onChange={(v) => setMode(v as typeof mode)}
        data={(["phone", "notification", "text"] as const).map((m) => ({
          value: m,
          label: t(`message.mode.${m}`),
        }))}
      />
      {mode === "phone" && (
        <Group gap="sm">
          <SegmentedControl
            size="xs"
            aria-label={t("message.width")}
            value={String(width)}
            onChange={(v) => setWidth(Number(v) as typeof width)}
            data={["320", "375", "430"]}
          />
          {touched && (
            <Switch
              size="xs"
              label={t("message.showAreas")}
              checked={areas}
              onChange={(e) => showAreas(e.currentTarget.checked)}
            />
          )}
        </Group>
      )}
      {preview.error && (
        <Failed error={preview.error} again={() => preview.refetch()} what="message.previewFailed" />
      )}
      {preview.data && !preview.data.messages && <Text size="sm">{t("message.notYet")}</Text>}
      <Preview
        account={{ name: channel?.name ?? "" }}
        messages={messages}
        label={t("message.previewOf", { name })}
        mode={mode}
        width={width}
        scale={width > 375 ? 375 / width : 1}
        showAreas={touched && areas}
        language={i18n.language}
        resolveImage={images}
        tracked={(address) => !!preview.data?.tracked.some((one) => one.address === address)}
      />
      {(preview.data?.gaps.length ?? 0) > 0 && (
        <Text size="sm" role="status">
          {t("message.gaps", { names: [...new Set(preview.data?.gaps.map((g) => g.name))].join(", ") })}
        </Text>
      )}
    </Stack>
  );
}

// More holds what is seldom done with a message.
export function More({
  id,
  name,
  archived,
  done,
}: {
  id: string;
  name: string;
  archived: boolean;
  done: () => void;
}) {
  const { t } = useTranslation();
  const { at, base } = usePlace();
  const navigate = useNavigate();
  const undo = useUndo();
  const duplicate = useAction<void, void>(async (_, headers) => {
    const copied = t("message.copyOf", { name }).slice(0, 120);
    const made = await post<Message>(`${at}/messages/${id}/duplicate`, { name: copied }, headers);
    navigate(`${base}/messages/${made.id}`);
  });
  const away = useAction(async (back: boolean, headers) => {
    await post(`${at}/messages/${id}/${back ? "restore" : "archive"}`, {}, headers);
    done();
    if (!back)
      undo.offer({
        text: t("message.archived", { name }),
        undo: async () => {
          await post(`${at}/messages/${id}/restore`);
          done();
        },
      });
  });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="compact-sm" variant="subtle" aria-label={t("message.more", { name })}>
          …
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => duplicate.run()}>{t("message.duplicate")}</Menu.Item>
        <Menu.Item onClick={() => away.run(archived)}>
          {t(archived ? "message.restore" : "message.archive")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
