import {
  Alert,
  Button,
  Card,
  Group,
  Radio,
  SegmentedControl,
  Select,
  Stack,
  Tabs,
  TagsInput,
  Text,
  TextInput,
} from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { call, get, type List, post, type Schema } from "../api";
import {
  CopyField,
  Failed,
  fieldError,
  Loading,
  Page,
  Result,
  Section,
  State,
  useAction,
  When,
} from "../parts";
import { usePlace } from "../place";
import type { Form } from "./Forms";
import { Funnel } from "./Health";

type Texts = Record<string, Schema<"FormTextView">>;
const fields = ["title", "button", "code", "close"] as const;
const languages = ["ja", "en", "zh", "th"] as const;

// FormPage makes a form, or shows, changes, checks and counts one.
export function FormPage() {
  const { t } = useTranslation();
  const { form: id } = useParams();
  const { at } = usePlace();
  const fresh = id === "new";
  const form = useQuery({
    queryKey: ["linking", "form", id],
    queryFn: () => get<Form>(`${at}/forms/${id}`),
    enabled: !fresh,
  });
  if (fresh) return <Editor key="new" />;
  if (form.isPending) return <Loading page={t("linking.forms.title")} />;
  if (form.error)
    return (
      <Failed
        page={t("linking.forms.title")}
        error={form.error}
        again={() => form.refetch()}
        what="linking.failed"
      />
    );
  return <Editor key={form.data.id} of={form.data} />;
}

const day = 24 * 60 * 60 * 1000;

function Editor({ of }: { of?: Form }) {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  const missing =
    of?.page_url && of.page_state !== "found" && of.page_found_at
      ? Date.now() - new Date(of.page_found_at).getTime() > day
      : false;
  return (
    <Page
      title={of?.name ?? t("linking.forms.new")}
      state={of && <State of={of.state} words="linking.state" />}
    >
      {missing && (
        <Alert color="yellow">
          {t("linking.forms.gone")} {of?.page_url}
        </Alert>
      )}
      {of && (
        <Funnel
          title={t("linking.forms.report")}
          steps={(["submitted", "shown", "tapped", "linked"] as const).map((n) => ({ name: n, n: of[n] }))}
        />
      )}
      {mayChange && <Settings of={of} />}
      {of && <Script of={of} />}
      {of && mayChange && <Check of={of} />}
    </Page>
  );
}

function Settings({ of }: { of?: Form }) {
  const { t } = useTranslation();
  const { at, base, channel } = usePlace();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [name, setName] = useState(of?.name ?? "");
  const [klaviyo, setKlaviyo] = useState(of?.klaviyo_form ?? "");
  const [shows, setShows] = useState(of?.shows ?? "both");
  const [texts, setTexts] = useState<Texts>((of?.texts as Texts | undefined) ?? {});
  const [origins, setOrigins] = useState<string[]>(of?.origins ?? []);
  const known = useQuery({
    queryKey: ["linking", "klaviyo_forms", channel?.id],
    queryFn: () => get<List<Schema<"KlaviyoFormView">>>(`${at}/klaviyo_forms`),
  });
  const save = useAction(async (state: string | undefined, headers) => {
    const body = {
      name,
      klaviyo_form: klaviyo || undefined,
      shows,
      texts,
      origins,
      tags: of?.tags,
      welcome: of?.welcome,
    };
    const saved = of
      ? await call<Form>("PATCH", `${at}/forms/${of.id}`, { ...body, state: state ?? of.state })
      : await post<Form>(`${at}/forms`, body, headers);
    await client.invalidateQueries({ queryKey: ["linking"] });
    if (!of) navigate(`${base}/linking/forms/${saved.id}`, { replace: true });
  });
  const options = (known.data?.items ?? []).map((f) => ({ value: f.id, label: f.name }));
  const deleted = klaviyo !== "" && known.data && !options.some((o) => o.value === klaviyo);
  return (
    <Stack component="form" onSubmit={(e) => e.preventDefault()} maw={640}>
      <TextInput
        label={t("linking.name")}
        value={name}
        maxLength={80}
        onChange={(e) => setName(e.currentTarget.value)}
        error={fieldError(save.error, "name")}
      />
      <Select
        label={t("linking.forms.which")}
        data={[{ value: "", label: t("linking.forms.any") }, ...options]}
        value={klaviyo}
        onChange={(v) => setKlaviyo(v ?? "")}
        allowDeselect={false}
        error={deleted ? t("linking.forms.deleted") : fieldError(save.error, "klaviyo_form")}
      />
      <Radio.Group
        label={t("linking.forms.shows")}
        value={shows}
        onChange={(v) => setShows(v as Form["shows"])}
      >
        <Group mt={4}>
          {["button", "qr", "both"].map((v) => (
            <Radio key={v} value={v} label={t(`linking.shows.${v}`)} />
          ))}
        </Group>
      </Radio.Group>
      <TagsInput
        label={t("linking.forms.origins")}
        description={t("linking.forms.originsText")}
        value={origins}
        onChange={setOrigins}
        error={fieldError(save.error, "origins")}
      />
      <Words texts={texts} set={setTexts} shows={shows} />
      <Result of={save} what="linking.notSaved">
        <Button onClick={() => save.run(undefined)} loading={save.busy}>
          {t(of ? "linking.forms.save" : "linking.forms.create")}
        </Button>
        {of && (
          <Button variant="default" onClick={() => save.run(of.state === "paused" ? "live" : "paused")}>
            {t(of.state === "paused" ? "linking.forms.resume" : "linking.forms.pause")}
          </Button>
        )}
      </Result>
    </Stack>
  );
}

type WordsProps = { texts: Texts; set: (t: Texts) => void; shows: string };

// Words are what customers read, by language, with the shop page in both widths beside them.
function Words({ texts, set, shows }: WordsProps) {
  const { t } = useTranslation();
  const [width, setWidth] = useState("phone");
  return (
    <Tabs defaultValue="ja">
      <Tabs.List>
        {languages.map((lang) => (
          <Tabs.Tab key={lang} value={lang}>
            {t(`linking.language.${lang}`)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {languages.map((lang) => (
        <Tabs.Panel key={lang} value={lang} pt="xs">
          <Stack gap="xs">
            {fields.map((field) => (
              <TextInput
                key={field}
                label={t(`linking.forms.text.${field}`)}
                placeholder={t(`linking.forms.usual.${lang}.${field}`)}
                value={texts[lang]?.[field] ?? ""}
                maxLength={120}
                onChange={(e) =>
                  set({ ...texts, [lang]: { ...texts[lang], [field]: e.currentTarget.value } })
                }
              />
            ))}
            <SegmentedControl
              aria-label={t("linking.forms.preview")}
              value={width}
              onChange={setWidth}
              data={["phone", "desktop"].map((v) => ({ value: v, label: t(`linking.codes.${v}`) }))}
            />
            <Preview lang={lang} texts={texts[lang] ?? {}} shows={shows} phone={width === "phone"} />
          </Stack>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

type PreviewProps = { lang: string; texts: Schema<"FormTextView">; shows: string; phone: boolean };

function Preview({ lang, texts, shows, phone }: PreviewProps) {
  const { t } = useTranslation();
  const word = (name: (typeof fields)[number]) => texts[name] || t(`linking.forms.usual.${lang}.${name}`);
  const button = shows === "button" || (shows === "both" && phone);
  return (
    <Card
      withBorder
      component="section"
      aria-label={t("linking.forms.preview")}
      lang={lang === "zh" ? "zh-TW" : lang}
      w={phone ? 320 : "100%"}
      maw="100%"
      bg="var(--lumo-page)"
    >
      <Card withBorder ml="auto" w={260} maw="100%" ta="center">
        <Text fw={600} mb="xs">
          {word("title")}
        </Text>
        {button ? (
          <Text bg="#0b6e67" c="#ffffff" p="sm" style={{ borderRadius: 8 }}>
            {word("button")}
          </Text>
        ) : (
          <>
            <Text aria-hidden="true" fz={64} lh={1.4}>
              ▦
            </Text>
            <Text size="sm">{word("code")}</Text>
          </>
        )}
        <Text size="sm" mt="xs" td="underline">
          {word("close")}
        </Text>
      </Card>
    </Card>
  );
}

function Script({ of }: { of: Form }) {
  const { t } = useTranslation();
  const tag = `<script async src="${of.script_url}"></script>`;
  const edge = new URL(of.script_url).origin;
  return (
    <Section title={t("linking.forms.script")}>
      <CopyField label={t("linking.forms.plain")} value={tag} block />
      <details>
        <summary>{t("linking.forms.shopify")}</summary>
        <Text size="sm">{t("linking.forms.shopifyText")}</Text>
      </details>
      <details>
        <summary>{t("linking.forms.csp")}</summary>
        <Text size="sm">{t("linking.forms.cspText")}</Text>
        <CopyField
          label={t("linking.forms.csp")}
          value={`script-src ${edge}; connect-src ${edge}; img-src ${edge}`}
          block
        />
      </details>
    </Section>
  );
}

// Check looks for the script on a page, then waits for a test submission.
function Check({ of }: { of: Form }) {
  const { t } = useTranslation();
  const { at } = usePlace();
  const [url, setUrl] = useState(of.page_url ?? of.origins[0] ?? "");
  const check = useAction<void, Schema<"CheckedPageView">>((_, headers) =>
    post(`${at}/forms/${of.id}/check`, { url }, headers),
  );
  const found = check.result?.page_state === "found";
  const watched = useQuery({
    queryKey: ["linking", "form", of.id, "watch"],
    queryFn: () => get<Form>(`${at}/forms/${of.id}`),
    enabled: found,
    refetchInterval: 1000,
  });
  const arrived = found && watched.data && watched.data.submitted > (check.result?.submitted ?? 0);
  return (
    <Section title={t("linking.forms.check")}>
      <Result of={check} what="linking.forms.checkFailed" done="linking.forms.checkedAt">
        <TextInput
          label={t("linking.forms.page")}
          value={url}
          onChange={(e) => setUrl(e.currentTarget.value)}
          error={fieldError(check.error, "url")}
        />
        <Button mt="lg" variant="default" onClick={() => check.run()} loading={check.busy}>
          {t("linking.forms.check")}
        </Button>
      </Result>
      {check.result && (
        <Text role="status">
          {t(`linking.page.${check.result.page_state}`)}
          {!check.result.origin_allowed && ` ${t("linking.forms.originMissing")}`}
        </Text>
      )}
      {found && (
        <Text role="status">
          {arrived ? (
            <>
              {t("linking.forms.arrived")} <When at={watched.data?.last_submit_at} full />
            </>
          ) : (
            t("linking.forms.waiting")
          )}
        </Text>
      )}
    </Section>
  );
}
