import {
  Alert,
  Anchor,
  Button,
  Card,
  Grid,
  Group,
  Image,
  MultiSelect,
  Radio,
  SegmentedControl,
  Stack,
  Tabs,
  Text,
  TextInput,
} from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { call, get, type List, post, type Schema } from "../api";
import {
  BarChart,
  Chart,
  CopyField,
  dayIn,
  dayOf,
  endOf,
  Failed,
  fieldError,
  isDay,
  Loading,
  Page,
  Result,
  State,
  useAction,
  useFormat,
} from "../parts";
import { usePlace } from "../place";
import type { Code } from "./Codes";
import { Funnel } from "./Health";
import { Says } from "./Says";

// CodePage makes a QR code, or shows, changes and counts one.
export function CodePage() {
  const { t } = useTranslation();
  const { code: id } = useParams();
  const { at } = usePlace();
  const fresh = id === "new";
  const code = useQuery({
    queryKey: ["linking", "code", id],
    queryFn: () => get<Code>(`${at}/qr_codes/${id}`),
    enabled: !fresh,
  });
  if (fresh) return <Editor key="new" />;
  if (code.isPending) return <Loading page={t("linking.codes.title")} />;
  if (code.error)
    return (
      <Failed
        page={t("linking.codes.title")}
        error={code.error}
        again={() => code.refetch()}
        what="linking.failed"
      />
    );
  return <Editor key={code.data.id} of={code.data} />;
}

function Editor({ of }: { of?: Code }) {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  return (
    <Page
      title={of?.name ?? t("linking.codes.new")}
      state={of && <State of={of.state === "expired" ? "ended" : of.state} words="linking.state" />}
    >
      {of && of.state !== "live" && <Alert color="yellow">{t(`linking.codes.${of.state}Text`)}</Alert>}
      {of?.saved?.archived && (
        <Alert color="yellow">{t("linking.codes.savedAway", { name: of.saved.name })}</Alert>
      )}
      {of?.saved && !of.saved.archived && of.saved.empty.length > 0 && (
        <Alert color="yellow">
          {t("linking.codes.savedEmpty", { name: of.saved.name, names: of.saved.empty.join(", ") })}
        </Alert>
      )}
      <Grid>
        <Grid.Col span={{ base: 12, md: 6 }}>
          {of && <ForEmail of={of} />}
          {mayChange && <Settings of={of} />}
        </Grid.Col>
        {of && (
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Views of={of} />
            {mayChange && <TryIt of={of} />}
          </Grid.Col>
        )}
      </Grid>
      {of && <Report of={of} />}
    </Page>
  );
}

function Settings({ of }: { of?: Code }) {
  const { t } = useTranslation();
  const { at, base, channel, merchant } = usePlace();
  const zone = merchant.time_zone;
  const navigate = useNavigate();
  const client = useQueryClient();
  const [name, setName] = useState(of?.name ?? "");
  const [by, setBy] = useState(of?.identify_by ?? "profile");
  const [tags, setTags] = useState<string[]>(of?.tags ?? []);
  const [welcome, setWelcome] = useState(of?.welcome ?? "");
  const [message, setMessage] = useState(of?.message ?? "");
  const [until, setUntil] = useState(of?.expires_at ? dayOf(of.expires_at, zone) : "");
  const known = useQuery({
    queryKey: ["tag", channel?.id],
    queryFn: () => get<List<Schema<"TagView">>>(`${at}/tags`),
  });
  const save = useAction(async (state: string | undefined, headers) => {
    const body = {
      name,
      tags,
      welcome: message ? undefined : welcome,
      message: message || undefined,
      expires_at: isDay(until) ? endOf(until, zone) : undefined,
    };
    const saved = of
      ? await call<Code>("PATCH", `${at}/qr_codes/${of.id}`, {
          ...body,
          state: state ?? (of.state === "paused" ? "paused" : "live"),
        })
      : await post<Code>(`${at}/qr_codes`, { ...body, identify_by: by }, headers);
    await client.invalidateQueries({ queryKey: ["linking"] });
    if (!of) navigate(`${base}/linking/qr/${saved.id}`, { replace: true });
  });
  return (
    <Stack component="form" mt="md" onSubmit={(e) => e.preventDefault()}>
      <TextInput
        label={t("linking.name")}
        value={name}
        maxLength={80}
        onChange={(e) => setName(e.currentTarget.value)}
        error={fieldError(save.error, "name")}
      />
      {!of && (
        <Radio.Group
          label={t("linking.codes.by")}
          value={by}
          onChange={(v) => setBy(v as Code["identify_by"])}
        >
          <Stack gap="xs" mt={4}>
            {["profile", "email", "phone", "none"].map((way) => (
              <Radio
                key={way}
                value={way}
                label={t(`linking.by.${way}`)}
                description={t(`linking.by.${way}Text`)}
              />
            ))}
          </Stack>
        </Radio.Group>
      )}
      <MultiSelect
        label={t("linking.codes.tags")}
        data={(known.data?.items ?? []).map((tag) => ({ value: tag.id, label: tag.name }))}
        value={tags}
        onChange={setTags}
        searchable
        error={fieldError(save.error, "tags")}
      />
      <Says
        of={of}
        welcome={welcome}
        message={message}
        onWelcome={setWelcome}
        onMessage={setMessage}
        error={save.error}
      />
      <TextInput
        type="date"
        label={t("linking.codes.until")}
        description={t("linking.codes.untilText")}
        value={until}
        onChange={(e) => setUntil(e.currentTarget.value)}
        error={fieldError(save.error, "expires_at")}
      />
      <Result of={save} what="linking.notSaved">
        <Button onClick={() => save.run(undefined)} loading={save.busy}>
          {t(of ? "linking.codes.save" : "linking.codes.create")}
        </Button>
        {of && (
          <Button variant="default" onClick={() => save.run(of.state === "paused" ? "live" : "paused")}>
            {t(of.state === "paused" ? "linking.codes.resume" : "linking.codes.pause")}
          </Button>
        )}
      </Result>
    </Stack>
  );
}

// ForEmail is what a merchant takes to Klaviyo, or to the printer.
function ForEmail({ of }: { of: Code }) {
  const { t } = useTranslation();
  const { at } = usePlace();
  const files = `/api/v1${at}/qr_codes/${of.id}/image`;
  if (of.identify_by === "none")
    return (
      <Stack gap="xs">
        <CopyField label={t("linking.codes.link")} value={of.url} />
        <Group>
          <Button component="a" href={`${files}/image.png`} download={`${of.code}.png`} variant="default">
            {t("linking.codes.png")}
          </Button>
          <Button component="a" href={`${files}/image.svg`} download={`${of.code}.svg`} variant="default">
            {t("linking.codes.svg")}
          </Button>
        </Group>
      </Stack>
    );
  return (
    <Card withBorder component="section" aria-label={t("linking.codes.copy")}>
      <Text fw={600} mb="xs">
        {t("linking.codes.copy")}
      </Text>
      <Tabs defaultValue="html">
        <Tabs.List>
          <Tabs.Tab value="html">{t("linking.codes.html")}</Tabs.Tab>
          <Tabs.Tab value="image">{t("linking.codes.image")}</Tabs.Tab>
          <Tabs.Tab value="link">{t("linking.codes.link")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="html" pt="xs">
          <CopyField label={t("linking.codes.html")} value={of.html} block />
        </Tabs.Panel>
        <Tabs.Panel value="image" pt="xs">
          <CopyField label={t("linking.codes.image")} value={of.image_url_template} block />
        </Tabs.Panel>
        <Tabs.Panel value="link" pt="xs">
          <CopyField label={t("linking.codes.link")} value={of.url_template} block />
        </Tabs.Panel>
      </Tabs>
      {of.identify_by !== "profile" && (
        <Text size="sm" mt="xs">
          {t("linking.codes.risk")}
        </Text>
      )}
    </Card>
  );
}

// Views shows what scanners get: phones go on to LINE, others see the QR code.
function Views({ of }: { of: Code }) {
  const { t } = useTranslation();
  const { at } = usePlace();
  const [view, setView] = useState("desktop");
  return (
    <Card withBorder component="section" aria-label={t("linking.codes.seen")}>
      <SegmentedControl
        aria-label={t("linking.codes.seen")}
        value={view}
        onChange={setView}
        data={[
          { value: "desktop", label: t("linking.codes.desktop") },
          { value: "phone", label: t("linking.codes.phone") },
        ]}
      />
      {view === "desktop" ? (
        <Stack align="center" mt="md" gap="xs">
          <Image
            src={`/api/v1${at}/qr_codes/${of.id}/image/image.png`}
            alt={t("linking.codes.alt", { name: of.name })}
            w={200}
            h={200}
          />
          <Text size="sm">{t("linking.codes.scan")}</Text>
        </Stack>
      ) : (
        <Text size="sm" mt="md">
          {t("linking.codes.phoneText")}
        </Text>
      )}
      <Text size="xs" c="dimmed" mt="xs" style={{ overflowWrap: "anywhere" }}>
        {of.url}
      </Text>
    </Card>
  );
}

function TryIt({ of }: { of: Code }) {
  const { t } = useTranslation();
  const { at } = usePlace();
  const [email, setEmail] = useState("");
  const go = useAction<void, Schema<"TryView">>((_, headers) =>
    post(`${at}/qr_codes/${of.id}/try`, { email }, headers),
  );
  const counter = of.identify_by === "none";
  return (
    <Card withBorder mt="md" component="section" aria-label={t("linking.codes.try")}>
      <Group align="end">
        {!counter && (
          <TextInput
            label={t("linking.codes.tryAs")}
            value={email}
            onChange={(e) => setEmail(e.currentTarget.value)}
            error={fieldError(go.error, "email")}
          />
        )}
        <Button variant="default" onClick={() => go.run()} loading={go.busy}>
          {t("linking.codes.try")}
        </Button>
      </Group>
      {go.error && !fieldError(go.error, "email") && (
        <Failed error={go.error} what="linking.codes.tryFailed" />
      )}
      {go.result && (
        <Anchor href={go.result.url} target="_blank" rel="noreferrer" size="sm">
          {t("linking.codes.open")}
        </Anchor>
      )}
    </Card>
  );
}

function Report({ of }: { of: Code }) {
  const { t } = useTranslation();
  const { at } = usePlace();
  const { count, zone } = useFormat();
  const now = dayIn(zone, Date.now());
  const days = useQuery({
    queryKey: ["linking", "code", of.id, "days"],
    queryFn: () => get<List<Schema<"CodeDayView">>>(`${at}/qr_codes/${of.id}/days?days=30`),
  });
  const rows = days.data?.items ?? [];
  return (
    <Grid mt="md">
      <Grid.Col span={{ base: 12, md: 5 }}>
        <Funnel
          title={t("linking.codes.report")}
          steps={[
            { name: "scanned", n: of.scans },
            { name: "friends", n: of.friends },
            { name: "linked", n: of.linked },
          ]}
        />
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 7 }}>
        {days.error && <Failed error={days.error} again={() => days.refetch()} what="linking.failed" />}
        {rows.length === 0 && !days.isPending && <Text size="sm">{t("linking.codes.noScans")}</Text>}
        {rows.length > 0 && (
          <Chart
            title={t("linking.codes.days")}
            unit={t("linking.days.unit")}
            unfinished={rows.some((d) => d.day === now)}
            columns={[
              t("linking.day"),
              ...["scanned", "friends", "linked"].map((s) => t(`linking.step.${s}`)),
            ]}
            rows={rows.map((d) => [d.day, count(d.scans), count(d.friends), count(d.linked)])}
          >
            <BarChart
              h={220}
              data={rows.map((d) => ({ ...d, unfinished: d.day === now }))}
              dataKey="day"
              series={[
                { name: "scans", label: t("linking.step.scanned"), color: "var(--lumo-chart-2)" },
                { name: "friends", label: t("linking.step.friends"), color: "var(--lumo-chart-3)" },
                { name: "linked", label: t("linking.step.linked"), color: "var(--lumo-chart-1)" },
              ]}
            />
          </Chart>
        )}
      </Grid.Col>
    </Grid>
  );
}
