import { Button, Modal, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read } from "../api";
import { useConsent } from "../consent/useConsent";
import { Failed, Loading, useAction, useFormat } from "../parts";
import { usePlace } from "../place";
import { RunBox } from "../run/RunBox";
import { isOpen, type Run, useRuns } from "../run/useRuns";

// Followers brings in everybody who follows the account, where LINE hands its list over.
export function Followers() {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  return (
    <>
      <Button variant="default" size="sm" onClick={() => setOpened(true)}>
        {t("friend.followers")}
      </Button>
      <Modal opened={opened} onClose={() => setOpened(false)} title={t("friend.followers")}>
        <FollowerList />
      </Modal>
    </>
  );
}

function FollowerList() {
  const { t } = useTranslation();
  const { path } = usePlace();
  const client = useQueryClient();
  const consent = useConsent();
  const runs = useRuns("followers");
  const start = useAction(async (_: undefined, headers) => {
    await read(
      api.POST("/merchants/{merchant}/channels/{channel}/friends/import_followers", {
        params: { path },
        headers,
      }),
    );
    await client.invalidateQueries({ queryKey: ["run"] });
  });
  if (consent.isPending) return <Loading shape="lines" />;
  if (consent.error)
    return <Failed error={consent.error} again={() => consent.refetch()} what="friend.followersFailed" />;
  if (!consent.data.verified) return <Text>{t("friend.followersOnly")}</Text>;
  const last = runs.data?.items[0];
  return (
    <Stack>
      <Text>{t("friend.followersWhat")}</Text>
      {start.error && <Failed error={start.error} what="friend.followersNotStarted" />}
      {last && <Last of={last} />}
      {!(last && isOpen(last)) && (
        <Button onClick={() => start.run(undefined)} loading={start.busy} w="fit-content">
          {t("friend.followers")}
        </Button>
      )}
    </Stack>
  );
}

function Last({ of: r }: { of: Run }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const { added = 0, given = 0, withdrawn = 0, unchanged = 0 } = r.counts;
  return (
    <div>
      <RunBox of={r} title={t("friend.followers")} />
      {r.state === "done" && (
        <Text size="sm" mt="xs" role="status">
          {t("friend.followersResult", { n: count(added), k: count(given + withdrawn + unchanged) })}
        </Text>
      )}
    </div>
  );
}
