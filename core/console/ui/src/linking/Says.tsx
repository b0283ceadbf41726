import { Anchor, Select, Stack, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { get, type List, type Schema } from "../api";
import { useMessages } from "../message/useMessages";
import { shown, useImages } from "../message/usePreview";
import { Failed, fieldError } from "../parts";
import { LinePhone } from "../phone/LinePhone";
import { usePlace } from "../place";
import type { Code } from "./Codes";

type Props = {
  of?: Code;
  welcome: string;
  message: string; // a saved one; empty = welcome
  onWelcome: (text: string) => void;
  onMessage: (id: string) => void;
  error?: Error;
};

// Says chooses what whom a code links gets: a text written here, or a saved message that is published.
export function Says({ of, welcome, message, onWelcome, onMessage, error }: Props) {
  const { t } = useTranslation();
  const messages = useMessages();
  const published =
    messages.data?.filter((m) => m.version > 0).map((m) => ({ value: m.id, label: m.name })) ?? [];
  const chosen = of?.message && of.saved ? [{ value: of.message, label: of.saved.name }] : [];
  const none = messages.data && published.length === 0;
  return (
    <Stack gap="xs">
      <Select
        label={t("linking.codes.says")}
        description={`${t("linking.codes.saysText")}${none ? ` ${t("linking.codes.noSaved")}` : ""}`}
        data={[
          { value: "", label: t("linking.codes.ownText") },
          ...published,
          ...chosen.filter((c) => !published.some((p) => p.value === c.value)),
        ]}
        value={message}
        onChange={(v) => onMessage(v ?? "")}
        allowDeselect={false}
        error={fieldError(error, "message")}
      />
      {messages.error && (
        <Failed error={messages.error} again={() => messages.refetch()} what="linking.codes.savedFailed" />
      )}
      {message ? (
        <Saved message={message} />
      ) : (
        <Textarea
          label={t("linking.codes.welcome")}
          value={welcome}
          autosize
          minRows={2}
          onChange={(e) => onWelcome(e.currentTarget.value)}
          error={fieldError(error, "welcome")}
        />
      )}
    </Stack>
  );
}

// Saved shows what people get of a saved message: what is published, with its fallbacks.
function Saved({ message }: { message: string }) {
  const { t, i18n } = useTranslation();
  const { at, base, channel } = usePlace();
  const images = useImages();
  const versions = useQuery({
    queryKey: ["message", "versions", message],
    queryFn: () => get<List<Schema<"VersionView">>>(`${at}/messages/${message}/versions`),
  });
  const newest = versions.data?.items[0];
  return (
    <>
      <Anchor component={Link} to={`${base}/messages/${message}`} size="sm">
        {t("linking.codes.openSaved")}
      </Anchor>
      {versions.error && (
        <Failed error={versions.error} again={() => versions.refetch()} what="linking.codes.savedFailed" />
      )}
      {newest && (
        <LinePhone
          account={{ name: channel?.name ?? "" }}
          messages={shown(newest.messages)}
          label={t("message.previewOf", { name: newest.name })}
          language={i18n.language}
          scale={0.8}
          resolveImage={images}
        />
      )}
    </>
  );
}
