import { Anchor, Button, Card, Group, List, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, read } from "../api";
import style from "../message/message.module.css";
import { templateBody, without } from "../message/templates";
import { shown } from "../message/usePreview";
import { Empty, Failed, Page, Result, useAction } from "../parts";
import { LinePhone } from "../phone/LinePhone";
import { usePlace } from "../place";
import { type Ready, ready } from "./ready";
import { SetLive } from "./SetLive";
import { useMayEdit } from "./useMayEdit";

const one = "/merchants/{merchant}/channels/{channel}" as const;

// Library is flows to begin with: a message and, where Klaviyo lets Lumo, the flow that sends it
// (UX 5.21).
export function Library() {
  const { t } = useTranslation();
  const { channel, path } = usePlace();
  const may = useMayEdit();
  const triggers = useQuery({
    queryKey: ["flow", "triggers", channel?.id],
    queryFn: () => read(api.GET(`${one}/flow_triggers`, { params: { path } })),
    enabled: may,
  });
  return (
    <Page title={t("flow.library.title")} lead={t("flow.library.lead")}>
      {triggers.error && (
        <Failed error={triggers.error} again={() => triggers.refetch()} what="flow.install.noTriggers" />
      )}
      {triggers.data?.items.length === 0 && (
        <Empty
          kind="new"
          title={t("flow.install.noEvents")}
          text={t("flow.install.noEventsWhy")}
          action={
            <Button onClick={() => triggers.refetch()} loading={triggers.isFetching}>
              {t("flow.install.look")}
            </Button>
          }
        />
      )}
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 4 }} component="ul" p={0} m={0} style={{ listStyle: "none" }}>
        {ready.map((r) => (
          <ReadyCard key={r.key} of={r} may={may} triggers={triggers.data?.items ?? []} />
        ))}
      </SimpleGrid>
    </Page>
  );
}

type CardProps = { of: Ready; may: boolean; triggers: { id: string; name: string }[] };

function ReadyCard({ of: r, may, triggers }: CardProps) {
  const { t, i18n } = useTranslation();
  const { channel, mayChange } = usePlace();
  const name = t(`template.${r.key}.name`);
  const [link, setLink] = useState("");
  const body = templateBody(r.key, t, link.trim());
  return (
    <Card component="li">
      <Stack gap="sm">
        <Text fw={600} component="h2" fz="md">
          {name}
        </Text>
        <div className={style.tile} inert aria-hidden="true">
          <LinePhone
            account={{ name: channel?.name ?? "" }}
            messages={shown(`[${body.blocks.map(without).join(",")}]`)}
            label={name}
            language={i18n.language}
            scale={0.6}
          />
        </div>
        <Text size="sm">{t(`flow.library.of.${r.key}`)}</Text>
        <Text size="sm" fw={600}>
          {t("flow.library.needs")}
        </Text>
        <List size="sm">
          <List.Item>{t("flow.library.needsEvent", { name: r.metrics[0] })}</List.Item>
          <List.Item>{t(may ? "flow.library.mayEdit" : "flow.library.mayNotEdit")}</List.Item>
        </List>
        {r.link && (
          <TextInput
            label={t("flow.library.link")}
            placeholder="https://"
            type="url"
            value={link}
            onChange={(e) => setLink(e.currentTarget.value)}
          />
        )}
        {mayChange &&
          (may ? <Go of={r} link={link} triggers={triggers} /> : <MessageAlone of={r} link={link} />)}
      </Stack>
    </Card>
  );
}

// Go makes the message and its flow, which stays a draft until a test has arrived.
function Go({ of: r, link, triggers }: Omit<CardProps, "may"> & { link: string }) {
  const { t } = useTranslation();
  const { base, path } = usePlace();
  const found = triggers.find((m) => r.metrics.includes(m.name));
  const [chosen, choose] = useState<string | null>(null);
  const metric = chosen ?? found?.id ?? "";
  const make = useMake(r, link);
  const install = useAction(async (_: undefined, headers) => {
    const key = headers["Idempotency-Key"];
    const message = await make(key);
    const after = (step: string) => ({ "Idempotency-Key": `${key} ${step}` });
    const { published } = await read(
      api.POST(`${one}/messages/{message}/publish`, {
        params: { path: { ...path, message: message.id } },
        headers: after("publish"),
        body: { revision: message.revision },
      }),
    );
    if (!published) return { message: message.id };
    const made = await read(
      api.POST(`${one}/flows`, {
        params: { path },
        headers: after("flow"),
        body: { name: t(`template.${r.key}.name`), metric, message: message.id },
      }),
    );
    return { flow: made.flow, message: message.id };
  });
  if (install.result && !install.result.flow)
    return (
      <Stack gap="xs" role="alert">
        <Text size="sm">{t("flow.library.problems")}</Text>
        <Anchor component={Link} to={`${base}/messages/${install.result.message}`} size="sm">
          {t("flow.library.message")}
        </Anchor>
      </Stack>
    );
  if (install.result?.flow)
    return (
      <Stack gap="xs" role="status">
        <Text size="sm">{t("flow.library.installed")}</Text>
        <Group gap="sm">
          <Anchor component={Link} to={`${base}/messages/${install.result.message}`} size="sm">
            {t("flow.library.message")}
          </Anchor>
          <Anchor
            href={`https://www.klaviyo.com/flow/${encodeURIComponent(install.result.flow)}/edit`}
            target="_blank"
            rel="noreferrer"
            size="sm"
          >
            {t("flow.library.inKlaviyo")}
          </Anchor>
        </Group>
        <SetLive flow={install.result.flow} />
      </Stack>
    );
  return (
    <>
      {!found && triggers.length > 0 && (
        <Select
          label={t("flow.install.trigger")}
          description={t("flow.library.noEvent", { name: r.metrics[0] })}
          data={triggers.map((m) => ({ value: m.id, label: m.name }))}
          value={chosen}
          onChange={choose}
          searchable
        />
      )}
      <Result of={install} what="flow.library.failed">
        <Button
          onClick={() => install.run(undefined)}
          loading={install.busy}
          disabled={!metric || (r.link && !link.trim())}
        >
          {t("flow.install.go")}
        </Button>
      </Result>
    </>
  );
}

// MessageAlone is what can be done without the right to change flows: the message, from where
// Get JSON leads on.
function MessageAlone({ of: r, link }: { of: Ready; link: string }) {
  const { t } = useTranslation();
  const { base, shop } = usePlace();
  const navigate = useNavigate();
  const make = useMake(r, link);
  const write = useAction(async (_: undefined, headers) =>
    navigate(`${base}/messages/${(await make(headers["Idempotency-Key"])).id}`),
  );
  return (
    <>
      <Result of={write} what="message.createFailed">
        <Button onClick={() => write.run(undefined)} loading={write.busy} disabled={r.link && !link.trim()}>
          {t("flow.library.write")}
        </Button>
      </Result>
      <Anchor component={Link} to={`${shop}/settings/klaviyo?step=rights`} size="sm">
        {t("flow.library.allow")}
      </Anchor>
    </>
  );
}

// useMake writes the message, once under a key.
function useMake(r: Ready, link: string) {
  const { t } = useTranslation();
  const { path } = usePlace();
  return (key: string) =>
    read(
      api.POST(`${one}/messages`, {
        params: { path },
        headers: { "Idempotency-Key": `${key} message` },
        body: { name: t(`template.${r.key}.name`), draft: templateBody(r.key, t, link.trim()) },
      }),
    );
}
