import { Alert, Button, Card, Code, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ApiError, type GetJSON, get, type Schema } from "../api";
import { Install } from "../flow/Install";
import { Copy, CopyField, Failed, Loading } from "../parts";
import { usePlace } from "../place";
import type { Message } from "./model";
import { WebhookPictures } from "./pictures";

// GetJson is what goes into a flow's webhook in Klaviyo (UX 5.17). Each opening makes a new
// step, so that two webhooks never count as one.
export function GetJson({ message, friend }: { message: Message; friend: string }) {
  const { t } = useTranslation();
  const { at, base, exists } = usePlace();
  const [tab, setTab] = useState<"message" | "text">("message");
  const found = useQuery({
    queryKey: ["message", "json", tab === "message" ? message.id : "", message.version],
    queryFn: () => get<GetJSON>(`${at}/get_json${tab === "message" ? `?message=${message.id}` : ""}`),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  const unpublished = found.error instanceof ApiError && found.error.status === 409;
  return (
    <Card component="section" aria-label={t("message.getJson")}>
      <Stack gap="sm">
        <SegmentedControl
          aria-label={t("message.getJson")}
          w="fit-content"
          value={tab}
          onChange={(v) => setTab(v as typeof tab)}
          data={[
            { value: "message", label: t("json.this") },
            { value: "text", label: t("json.direct") },
          ]}
        />
        {found.isPending && <Loading shape="lines" />}
        {unpublished && (
          <Alert color="yellow" variant="light">
            {t("json.publishFirst")}
          </Alert>
        )}
        {found.error && !unpublished && (
          <Failed error={found.error} again={() => found.refetch()} what="json.failed" />
        )}
        {found.data && (
          <>
            {tab === "message" && message.changed && (
              <Alert color="yellow" variant="light">
                {t("json.draft", { n: message.version })}
              </Alert>
            )}
            <CopyField label={t("json.url")} value={found.data.url} />
            <CopyField label={t("json.header")} value={found.data.header} />
            <Text size="sm" c="dimmed">
              {t("json.key")}{" "}
              {exists("flows/settings") && (
                <Link to={`${base}/flows/settings`}>{t("menu.flowSettings")}</Link>
              )}
            </Text>
            <Stack gap={4}>
              <Group justify="space-between">
                <Text size="sm" c="dimmed">
                  {t("json.body")}
                </Text>
                <Copy value={found.data.body} what={t("json.body")} />
              </Group>
              <Highlighted text={found.data.body} />
            </Stack>
            <Rendered body={found.data.body} friend={friend} />
            <Install message={tab === "message" ? message.id : undefined} name={message.name} />
            <WebhookPictures />
          </>
        )}
      </Stack>
    </Card>
  );
}

// Highlighted marks what Klaviyo fills in, each with its explanation.
function Highlighted({ text }: { text: string }) {
  const { t } = useTranslation();
  const about = (found: string) => {
    if (found.includes("KlaviyoID")) return t("json.about.profile");
    if (found.includes("LINE User ID")) return t("json.about.line");
    if (found.includes("$event_id")) return t("json.about.event");
    return t("json.about.value");
  };
  return (
    <Code
      block
      tabIndex={0}
      role="region"
      aria-label={t("json.body")}
      style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
    >
      {text.split(/(\{\{.*?\}\})/).map((part, i) =>
        part.startsWith("{{") ? (
          <mark
            key={i}
            title={about(part)}
            style={{ background: "var(--lumo-moving-tint)", color: "var(--lumo-moving)" }}
          >
            {part}
          </mark>
        ) : (
          part
        ),
      )}
    </Code>
  );
}

// Rendered shows the body for the chosen person, and whether what comes out can be read.
function Rendered({ body, friend }: { body: string; friend: string }) {
  const { t } = useTranslation();
  const { at } = usePlace();
  const [asked, ask] = useState(false);
  const found = useQuery({
    queryKey: ["message", "rendered", body, friend],
    queryFn: () => getRendered(at, body, friend),
    enabled: asked && !!friend,
  });
  if (!friend) return <Text size="sm">{t("json.choose")}</Text>;
  return (
    <Stack gap="xs">
      <Button
        size="xs"
        variant="default"
        w="fit-content"
        onClick={() => ask(true)}
        loading={found.isFetching}
      >
        {t("json.render")}
      </Button>
      {found.error && <Failed error={found.error} again={() => found.refetch()} what="json.failed" />}
      {found.data && (
        <>
          <Text size="sm" role="status" fw={600}>
            {t(found.data.read ? "json.valid" : "json.broken")}
          </Text>
          <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
            {found.data.text}
          </Code>
        </>
      )}
    </Stack>
  );
}

type Rendering = Schema<"RenderedView">;

async function getRendered(at: string, body: string, friend: string): Promise<Rendering> {
  const { post } = await import("../api");
  return post<Rendering>(`${at}/get_json/render`, { body, friend });
}
