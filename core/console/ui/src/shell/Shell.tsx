import {
  Alert,
  AppShell,
  Burger,
  Button,
  Group,
  Menu,
  NavLink,
  SegmentedControl,
  Select,
  Text,
  VisuallyHidden,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Link, Outlet, useLocation, useNavigate, useParams } from "react-router";
import { type Channel, call, type Me, type Merchant, post } from "../api";
import { setLanguage } from "../i18n";
import { LiveContext, useLive } from "../live";
import { Loading } from "../parts";
import { account, PlaceContext } from "../place";
import { allows, exists, listed, entries as menu } from "../screens";

// Shell is the frame of all screens: account, menu, live state.
export function Shell({ me, merchant, channels }: { me: Me; merchant: Merchant; channels: Channel[] }) {
  const { t, i18n } = useTranslation();
  const { account: name } = useParams();
  const channel = channels.find((c) => account(c) === name) ?? channels[0];
  const base = channel ? `/${merchant.slug}/oa/${account(channel)}` : `/${merchant.slug}`;
  const at = `/merchants/${merchant.id}/channels/${channel?.id}`;
  const live = useLive(merchant.id);
  const [opened, drawer] = useDisclosure();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const own = listed(merchant.role);
  const entries: [string, string][] = menu.flatMap((entry) => {
    const first = own.find((s) => s.menu === entry && (channel || s.of === "shop"));
    if (!first) return [];
    const root = first.of === "shop" ? `/${merchant.slug}` : base;
    return [[`menu.${entry}`, first.path ? `${root}/${first.path}` : root] as [string, string]];
  });
  const current = entries
    .map(([, to]) => to)
    .filter((to) => pathname === to || pathname.startsWith(`${to}/`))
    .sort((a, b) => b.length - a.length)[0];
  return (
    <PlaceContext
      value={{
        merchant,
        channels,
        channel,
        shop: `/${merchant.slug}`,
        base,
        at,
        path: { merchant: merchant.id, channel: channel?.id ?? "" },
        mayChange: allows(merchant.role, "marketer"),
        mayManage: allows(merchant.role, "admin"),
        exists,
      }}
    >
      <LiveContext value={live}>
        <AppShell
          header={{ height: 56 }}
          navbar={{ width: 220, breakpoint: "sm", collapsed: { mobile: !opened } }}
          padding="md"
        >
          <AppShell.Header px="md">
            <Group h="100%" justify="space-between" wrap="nowrap">
              <Group wrap="nowrap" gap="sm">
                <Burger
                  opened={opened}
                  onClick={drawer.toggle}
                  hiddenFrom="sm"
                  size="sm"
                  aria-label={t("menu.open")}
                />
                <Text fw={700}>Lumo</Text>
                {channels.length > 1 ? (
                  <Select
                    aria-label={t("menu.account")}
                    data={channels.map((c) => ({ value: account(c), label: `${c.name} ${c.basic_id}` }))}
                    value={channel ? account(channel) : null}
                    onChange={(v) => v && navigate(`/${merchant.slug}/oa/${v}`)}
                  />
                ) : (
                  <Text size="sm" truncate>
                    {channel ? `${channel.name} ${channel.basic_id}` : merchant.name}
                  </Text>
                )}
              </Group>
              <Group gap="sm" wrap="nowrap">
                <Text size="sm" c={live.connected ? "dimmed" : "red"} role="status" visibleFrom="sm">
                  {live.connected
                    ? t("live.on")
                    : t("live.off", {
                        time: live.since.toLocaleTimeString(i18n.language, { hourCycle: "h23" }),
                      })}
                </Text>
                <Person me={me} />
              </Group>
            </Group>
          </AppShell.Header>
          <AppShell.Navbar p="xs" aria-label={t("menu.label")}>
            {entries.map(([key, to]) => (
              <NavLink
                key={to}
                component={Link}
                to={to}
                label={t(key)}
                active={to === current}
                onClick={drawer.close}
                aria-current={to === current ? "page" : undefined}
              />
            ))}
          </AppShell.Navbar>
          <AppShell.Main>
            {!live.connected && (
              <Alert color="yellow" variant="light" mb="md" hiddenFrom="sm">
                {t("live.off", { time: live.since.toLocaleTimeString(i18n.language, { hourCycle: "h23" }) })}
              </Alert>
            )}
            <Suspense fallback={<Loading />}>
              <Outlet />
            </Suspense>
          </AppShell.Main>
        </AppShell>
      </LiveContext>
    </PlaceContext>
  );
}

// Person is the own menu: language and the way out.
function Person({ me }: { me: Me }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const out = async () => {
    await post("/sign_out");
    client.clear();
    location.assign("/sign-in");
  };
  const change = async (language: string) => {
    setLanguage(language);
    await call("PATCH", "/me", { language });
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="subtle" size="compact-sm">
          {me.member?.name}
          <VisuallyHidden>{t("menu.own")}</VisuallyHidden>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Group p="xs">
          <SegmentedControl
            aria-label={t("account.language")}
            value={i18n.language}
            onChange={change}
            data={[
              { value: "en", label: "English" },
              { value: "ja", label: "日本語" },
            ]}
          />
        </Group>
        <Menu.Item onClick={out}>{t("account.signOut")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
