import { Alert, Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Channel, read, type Schema } from "../api";
import { CopyField, Result, useAction } from "../parts";
import { account, usePlace } from "../place";
import { Preflight } from "./Preflight";

const look = 3000; // ms, beside the live message of the link

// OwnPhone is the last step: a scan with one's own phone proves that all of it works. Whom it
// links is the member's own customer, and becomes a test friend.
export function OwnPhone({ of }: { of: Channel }) {
  const { t } = useTranslation();
  const { merchant, shop } = usePlace();
  const path = { merchant: merchant.id, channel: of.id };
  const begin = useAction((_: undefined, headers) =>
    read(api.POST("/merchants/{merchant}/channels/{channel}/own_phone", { params: { path }, headers })),
  );
  const profile = begin.result?.profile_id;
  const found = useQuery({
    queryKey: ["friend", "own", of.id, profile],
    queryFn: () =>
      read(
        api.GET("/merchants/{merchant}/channels/{channel}/own_phone", {
          params: { path, query: { profile_id: profile } },
        }),
      ),
    enabled: !!profile,
    refetchInterval: (query) => (query.state.data?.friend ? false : look),
  });
  const friend = found.data?.friend;
  useTestFriend(of.id, friend?.id);
  return (
    <Stack>
      <Text>{t(of.klaviyo_connected ? "connection.own.what" : "connection.own.withoutKlaviyo")}</Text>
      {friend ? (
        <Alert color="teal" variant="light" role="status" icon={<IconCheck aria-hidden="true" />}>
          <Text fw={600}>{t("connection.own.linked", { name: friend.name || t("common.noName") })}</Text>
          <Text size="sm">{t("connection.own.tester")}</Text>
          <Anchor component={Link} to={`${shop}/oa/${account(of)}/friends/${friend.id}`} size="sm">
            {t("connection.own.open")}
          </Anchor>
        </Alert>
      ) : begin.result ? (
        <Scan of={begin.result} />
      ) : (
        <Result of={begin} what="connection.own.failed">
          <Button onClick={() => begin.run(undefined)} loading={begin.busy}>
            {t("connection.own.show")}
          </Button>
        </Result>
      )}
      <Preflight channel={of.id} only={["provider", "login_joined"]} />
    </Stack>
  );
}

function Scan({ of }: { of: Schema<"OwnPhoneView"> }) {
  const { t } = useTranslation();
  return (
    <Group align="start" wrap="wrap">
      <svg
        role="img"
        aria-label={t("connection.own.qr")}
        viewBox={`0 0 ${of.qr.side} ${of.qr.side}`}
        width={220}
        height={220}
        shapeRendering="crispEdges"
      >
        <path fill="#fff" d={`M0 0h${of.qr.side}v${of.qr.side}H0z`} />
        <path fill="#000" d={of.qr.path} />
      </svg>
      <Stack gap="xs" style={{ flex: "1 1 240px", minWidth: 0 }}>
        <Text role="status">{t("connection.own.scan")}</Text>
        <CopyField label={t("connection.own.address")} value={of.url} />
        <Anchor href={of.url} target="_blank" rel="noreferrer" size="sm">
          {t("connection.own.here")}
        </Anchor>
      </Stack>
    </Group>
  );
}

// useTestFriend makes whoever was linked here a test friend, once.
function useTestFriend(channel: string, friend: string | undefined) {
  const { merchant } = usePlace();
  const client = useQueryClient();
  const mark = useAction(async (id: string, headers) => {
    await read(
      api.POST("/merchants/{merchant}/channels/{channel}/friends/bulk", {
        params: { path: { merchant: merchant.id, channel } },
        body: { action: "tester", friends: [id] },
        headers,
      }),
    );
    await client.invalidateQueries({ queryKey: ["friend"] });
    await client.invalidateQueries({ queryKey: ["connection"] });
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each person
  useEffect(() => {
    if (friend) mark.run(friend);
  }, [friend]);
}
