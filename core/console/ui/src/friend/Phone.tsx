import { Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, type FriendDetail, read } from "../api";
import { Failed } from "../parts";
import { LinePhone } from "../phone/LinePhone";
import { usePlace } from "../place";
import { messagesOf } from "./messages";

const last = 5;

// Phone is what this person saw last, as LINE shows it.
export function Phone({ of: f }: { of: FriendDetail }) {
  const { t, i18n } = useTranslation();
  const { path, channel } = usePlace();
  const sent = useQuery({
    queryKey: ["friend", f.id, "phone"],
    queryFn: () =>
      read(
        api.GET("/merchants/{merchant}/channels/{channel}/friends/{friend}/timeline", {
          params: { path: { ...path, friend: f.id }, query: { limit: last, kinds: ["sent"] } },
        }),
      ),
  });
  const shown = (sent.data?.items ?? [])
    .toReversed()
    .flatMap((e) =>
      messagesOf(e).map((message, i) => ({ id: `${e.id} ${i}`, message, at: e.at ?? undefined })),
    );
  return (
    <Stack component="section" gap="xs" aria-label={t("friend.phone")}>
      <Title order={2}>{t("friend.phone")}</Title>
      {sent.error && <Failed error={sent.error} again={() => sent.refetch()} what="friend.failed" />}
      {sent.isSuccess && shown.length === 0 && <Text size="sm">{t("friend.phoneNone")}</Text>}
      {shown.length > 0 && (
        <>
          <LinePhone
            account={{ name: channel?.name ?? "" }}
            messages={shown}
            label={t("friend.phoneOf", { name: f.name || t("friend.noName") })}
            language={i18n.language}
            scale={0.8}
          />
          <Text size="xs" c="dimmed">
            {t("friend.phoneHow")}
          </Text>
        </>
      )}
    </Stack>
  );
}
