import { Alert, Button, Group, Text } from "@mantine/core";
import { IconAlertTriangle, IconRefresh, IconWifiOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "react-router";
import { levelOf, useMonth } from "../delivery/useMonth";
import { useLiveState } from "../live";
import { useFormat } from "../parts";
import { usePlace } from "../place";
import { linesOf, useConnections } from "./Health";
import { Held, Stopped, useSending } from "./Sending";

const own = 60_000; // ms between looks for a newer console

// Banner shows at most one thing, the worst: stopped, a connection broken, the month's messages
// used up, live updates cut, a new console.
export function Banner() {
  const { t } = useTranslation();
  const { shop, base } = usePlace();
  const { time } = useFormat();
  const live = useLiveState();
  const sending = useSending();
  const connections = useConnections();
  const newer = useNewer();
  const month = useMonth();
  const { pathname } = useLocation();
  const onQuota = pathname === `${base}/quota`;
  const onKlaviyo = pathname === `${shop}/settings/klaviyo`; // says it itself
  if (sending.data?.system) return <Held of={sending.data} by={sending.data.system} />;
  if (sending.data && sending.data.stopped !== "no") return <Stopped of={sending.data} />;
  const broken =
    !onKlaviyo &&
    connections.data &&
    linesOf(connections.data, shop, t("connection.edges")).find((l) => l.state === "reconnect");
  if (broken)
    return (
      <Alert color="red" variant="light" icon={<IconAlertTriangle stroke={1.5} />} role="alert">
        <Group justify="space-between">
          <Text size="sm">
            {t("connection.klaviyo.reconnect", {
              count: connections.data?.klaviyo?.waiting_updates ?? 0,
              n: connections.data?.klaviyo?.waiting_updates ?? 0,
            })}
          </Text>
          {broken.to && (
            <Button component={Link} to={broken.to} size="xs" variant="default">
              {t("connection.klaviyo.again")}
            </Button>
          )}
        </Group>
      </Alert>
    );
  if (month.data && levelOf(month.data) === "none")
    return (
      <Alert color="yellow" variant="light" icon={<IconAlertTriangle stroke={1.5} />} role="status">
        <Group justify="space-between">
          <Text size="sm">{t("reason.quota")}</Text>
          {!onQuota && (
            <Button component={Link} to={`${base}/quota`} size="xs" variant="default">
              {t("reason.next.quota")}
            </Button>
          )}
        </Group>
      </Alert>
    );
  if (!live.connected)
    return (
      <Alert color="yellow" variant="light" icon={<IconWifiOff stroke={1.5} />} role="status">
        <Text size="sm">{t("live.off", { time: time(live.since, true) })}</Text>
      </Alert>
    );
  if (newer)
    return (
      <Alert variant="light" icon={<IconRefresh stroke={1.5} />} role="status">
        <Group justify="space-between">
          <Text size="sm">{t("banner.newer")}</Text>
          <Button size="xs" variant="default" onClick={() => location.reload()}>
            {t("banner.reload")}
          </Button>
        </Group>
      </Alert>
    );
  return null;
}

// useNewer tells that the core serves another console than the one running here: the page's
// program is named by its content.
function useNewer(): boolean {
  const page = useQuery({
    queryKey: ["console version"],
    queryFn: async () =>
      (await (await fetch("/", { cache: "no-cache" })).text()).match(/assets\/index-[^"]+\.js/)?.[0],
    refetchInterval: own,
    retry: false,
  });
  const running = document.querySelector<HTMLScriptElement>('script[src*="assets/index-"]')?.src;
  return !!page.data && !!running && !running.endsWith(page.data);
}
