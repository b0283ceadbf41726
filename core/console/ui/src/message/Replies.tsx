import { ActionIcon, Button, Card, Group, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { call, get, type Schema } from "../api";
import { Empty, Failed, Loading, Page, Result, Section, useAction } from "../parts";
import { LinePhone } from "../phone/LinePhone";
import { usePlace } from "../place";
import { Remove } from "./Forms";
import { move } from "./model";
import { useMessages } from "./useMessages";
import { shown, useImages } from "./usePreview";

type Rule = Schema<"ReplyRuleView">;
type Row = Schema<"MessageRowView">;

// Replies are what friends are answered by itself (UX 5.21): free, and only in time.
export function Replies() {
  const { t } = useTranslation();
  const { at, base, channel } = usePlace();
  const rules = useQuery({
    queryKey: ["reply", channel?.id],
    queryFn: () => get<{ rules: Rule[] }>(`${at}/replies`),
    refetchOnWindowFocus: false,
  });
  const messages = useMessages();
  const error = rules.error ?? messages.error;
  const sendable = messages.data?.filter((m) => m.version > 0) ?? [];
  return (
    <Page title={t("reply.title")} lead={t("reply.lead")}>
      {error && (
        <Failed
          error={error}
          again={() => (rules.error ? rules.refetch() : messages.refetch())}
          what="reply.failed"
        />
      )}
      {!error && (rules.isPending || messages.isPending) && <Loading shape="cards" />}
      {messages.data && sendable.length === 0 && (
        <Empty
          kind="new"
          title={t("reply.noMessages")}
          text={t("reply.noMessagesWhy")}
          action={
            <Button component={Link} to={`${base}/messages`}>
              {t("menu.messages")}
            </Button>
          }
        />
      )}
      {rules.data && sendable.length > 0 && <Rules from={rules.data.rules} messages={sendable} />}
    </Page>
  );
}

function Rules({ from, messages }: { from: Rule[]; messages: Row[] }) {
  const { t } = useTranslation();
  const { at, mayChange } = usePlace();
  const [greeting, setGreeting] = useState<Rule | undefined>(from.find((r) => r.kind === "greeting"));
  const [words, setWords] = useState<Rule[]>(from.filter((r) => r.kind === "keyword"));
  const rules = [...(greeting ? [greeting] : []), ...words];
  const save = useAction(() => call<{ rules: Rule[] }>("PUT", `${at}/replies`, { rules }));
  const options = messages.map((m) => ({ value: m.id, label: m.name }));
  const first = options[0]?.value ?? "";
  const offset = greeting ? 1 : 0;
  const error = (i: number) =>
    (save.error as { fields?: Record<string, string> } | undefined)?.fields?.[`rules.${i + offset}.keyword`];
  const change = (i: number, part: Partial<Rule>) =>
    setWords(words.map((r, n) => (n === i ? { ...r, ...part } : r)));
  return (
    <>
      <Section title={t("reply.greeting")}>
        <Card>
          <Stack gap="sm">
            <Switch
              label={t("reply.greetingOn")}
              checked={!!greeting?.active}
              disabled={!mayChange}
              onChange={(e) =>
                setGreeting({
                  ...(greeting ?? { kind: "greeting", message: first }),
                  active: e.currentTarget.checked,
                })
              }
            />
            {greeting && (
              <Select
                label={t("reply.message")}
                data={options}
                value={greeting.message}
                allowDeselect={false}
                disabled={!mayChange}
                onChange={(v) => v && setGreeting({ ...greeting, message: v })}
                maw={420}
              />
            )}
          </Stack>
        </Card>
      </Section>
      <Section title={t("reply.keywords")}>
        <Text size="sm" c="dimmed">
          {t("reply.order")}
        </Text>
        {words.length === 0 && <Empty kind="new" title={t("reply.noKeywords")} />}
        {words.map((r, i) => {
          const name = t("reply.rule", { n: i + 1 });
          return (
            <Card key={r.id || i} component="fieldset" aria-label={name}>
              <Group align="end" gap="xs">
                <TextInput
                  label={t("reply.keyword")}
                  value={r.keyword ?? ""}
                  readOnly={!mayChange}
                  error={error(i)}
                  onChange={(e) => change(i, { keyword: e.currentTarget.value })}
                />
                <Select
                  label={t("reply.match")}
                  w={150}
                  data={[
                    { value: "exact", label: t("reply.exact") },
                    { value: "contains", label: t("reply.contains") },
                  ]}
                  value={r.contains ? "contains" : "exact"}
                  allowDeselect={false}
                  disabled={!mayChange}
                  onChange={(v) => change(i, { contains: v === "contains" })}
                />
                <Select
                  label={t("reply.message")}
                  data={options}
                  value={r.message}
                  allowDeselect={false}
                  disabled={!mayChange}
                  onChange={(v) => v && change(i, { message: v })}
                />
                <Switch
                  label={t("reply.on")}
                  checked={r.active}
                  disabled={!mayChange}
                  onChange={(e) => change(i, { active: e.currentTarget.checked })}
                  mb={8}
                />
                {mayChange && (
                  <Group gap={0}>
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      size={28}
                      disabled={i === 0}
                      aria-label={t("message.up", { name })}
                      onClick={() => setWords(move(words, i, i - 1))}
                    >
                      <IconArrowUp size={16} aria-hidden="true" />
                    </ActionIcon>
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      size={28}
                      disabled={i === words.length - 1}
                      aria-label={t("message.down", { name })}
                      onClick={() => setWords(move(words, i, i + 1))}
                    >
                      <IconArrowDown size={16} aria-hidden="true" />
                    </ActionIcon>
                    <Remove
                      label={t("message.remove", { name })}
                      onClick={() => setWords(words.filter((_, n) => n !== i))}
                    />
                  </Group>
                )}
              </Group>
            </Card>
          );
        })}
        {mayChange && (
          <Button
            variant="default"
            w="fit-content"
            onClick={() =>
              setWords([...words, { kind: "keyword", keyword: "", message: first, active: true }])
            }
          >
            {t("reply.add")}
          </Button>
        )}
      </Section>
      {mayChange && (
        <Result of={save} what="reply.saveFailed">
          <Button onClick={() => save.run()} loading={save.busy}>
            {t("reply.save")}
          </Button>
        </Result>
      )}
      <Try rules={rules} messages={messages} />
    </>
  );
}

const fold = (text: string) => text.normalize("NFKC").trim().toLowerCase();

// match finds the rule that would answer, as the core does.
export function match(rules: Rule[], text: string): Rule | undefined {
  const said = fold(text);
  return rules.find((r) => {
    const word = fold(r.keyword ?? "");
    return r.active && r.kind === "keyword" && (said === word || (!!r.contains && said.includes(word)));
  });
}

// Try shows on a phone what a text would be answered with; nothing is sent.
function Try({ rules, messages }: { rules: Rule[]; messages: Row[] }) {
  const { t, i18n } = useTranslation();
  const { channel } = usePlace();
  const images = useImages();
  const [text, setText] = useState("");
  const found = text.trim() ? match(rules, text) : rules.find((r) => r.kind === "greeting" && r.active);
  const answer = messages.find((m) => m.id === found?.message);
  const said = text.trim() ? [{ message: { type: "text" as const, text }, own: true }] : [];
  return (
    <Section title={t("reply.try")}>
      <TextInput
        label={t("reply.tryText")}
        description={t("reply.tryHint")}
        value={text}
        onChange={(e) => setText(e.currentTarget.value)}
        maw={420}
      />
      <Text size="sm" role="status">
        {answer ? t("reply.answers", { name: answer.name }) : t("reply.silent")}
      </Text>
      <LinePhone
        account={{ name: channel?.name ?? "" }}
        messages={[...said, ...shown(answer?.messages)]}
        label={t("message.previewOf", { name: t("reply.title") })}
        language={i18n.language}
        scale={0.8}
        resolveImage={images}
      />
    </Section>
  );
}
