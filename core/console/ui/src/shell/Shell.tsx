import {
  Anchor,
  AppShell,
  Avatar,
  Burger,
  Button,
  Group,
  Modal,
  NavLink,
  Select,
  Stack,
  Text,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { type CSSProperties, Suspense, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, Outlet, useLocation, useNavigate, useParams } from "react-router";
import type { Channel, Me, Merchant } from "../api";
import { LiveContext, useLive } from "../live";
import { Loading, UndoProvider } from "../parts";
import { account, type Place, PlaceContext, usePlace } from "../place";
import { allows, exists, screens } from "../screens";
import { type Ring, rings } from "../theme";
import { Banner } from "./Banner";
import { Find } from "./Find";
import { Health, Quota } from "./Health";
import { useKeys } from "./keys";
import { currentOf, icons, menuOf } from "./menu";
import { Own } from "./Own";
import { Running } from "./Running";
import { Stop } from "./Sending";
import { SessionEnd } from "./SessionEnd";
import style from "./shell.module.css";

type Props = { me: Me; merchant: Merchant; channels: Channel[] };

// Shell is the frame of all screens: account, menu, search, state of everything, Stop.
export function Shell({ me, merchant, channels }: Props) {
  const { account: name } = useParams();
  const channel = useChannel(channels, name);
  const shop = `/${merchant.slug}`;
  const place: Place = {
    merchant,
    channels,
    channel,
    shop,
    base: channel ? `${shop}/oa/${account(channel)}` : shop,
    at: `/merchants/${merchant.id}/channels/${channel?.id}`,
    path: { merchant: merchant.id, channel: channel?.id ?? "" },
    mayChange: allows(merchant.role, "marketer"),
    mayManage: allows(merchant.role, "admin"),
    exists,
  };
  const live = useLive(merchant.id);
  return (
    <PlaceContext value={place}>
      <LiveContext value={live}>
        <UndoProvider>
          <Frame me={me} />
          <SessionEnd email={me.member?.email} />
        </UndoProvider>
      </LiveContext>
    </PlaceContext>
  );
}

// useChannel is the LINE account of the address; the shop's own screens keep the last one.
function useChannel(channels: Channel[], name: string | undefined): Channel | undefined {
  const last = useRef(name);
  if (name) last.current = name;
  return channels.find((c) => account(c) === last.current) ?? channels[0];
}

function Frame({ me }: { me: Me }) {
  const { t } = useTranslation();
  const place = usePlace();
  const [opened, drawer] = useDisclosure();
  const [finding, find] = useDisclosure();
  const [helping, help] = useDisclosure();
  const { pathname } = useLocation();
  useKeys({ find: find.open, help: help.open });
  const entries = menuOf(place);
  const here = currentOf(
    entries.flatMap((e) => [e, ...e.children]),
    pathname,
    place.base,
  );
  const ring = { "--lumo-ring": ringOf(place.channel) } as CSSProperties;
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 208, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding="md"
      style={ring}
    >
      <AppShell.Header px="md" className={style.header}>
        <Group h="100%" justify="space-between" wrap="nowrap" gap="sm">
          <Group wrap="nowrap" gap="sm" miw={0}>
            <Burger
              opened={opened}
              onClick={drawer.toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={t("menu.open")}
            />
            <Text fw={700} visibleFrom="sm">
              Lumo
            </Text>
            <Switcher />
          </Group>
          <Group gap="sm" wrap="nowrap">
            <Button
              size="xs"
              variant="default"
              visibleFrom="md"
              onClick={find.open}
              leftSection={<IconSearch size={14} aria-hidden="true" />}
            >
              {t("find.open")}
            </Button>
            <Group visibleFrom="lg">
              <Quota />
            </Group>
            <Health />
            <Running />
            <Stop />
            <Group visibleFrom="sm">
              <Own me={me} />
            </Group>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t("menu.label")} style={{ overflowY: "auto" }}>
        {entries.map((e) => {
          const Icon = icons[e.entry];
          const inside = e.to === here || e.children.some((c) => c.to === here);
          return (
            <div key={e.entry}>
              <NavLink
                component={Link}
                to={e.to}
                label={t(e.title)}
                leftSection={<Icon size={18} stroke={1.5} aria-hidden="true" />}
                active={inside}
                onClick={drawer.close}
                aria-current={e.to === here && e.children.length === 0 ? "page" : undefined}
              />
              {inside &&
                e.children.map((c) => (
                  <NavLink
                    key={c.to}
                    component={Link}
                    to={c.to}
                    label={t(c.title)}
                    pl={40}
                    py={4}
                    fw={c.to === here ? 600 : undefined}
                    onClick={drawer.close}
                    aria-current={c.to === here ? "page" : undefined}
                  />
                ))}
            </div>
          );
        })}
        <Stack hiddenFrom="sm" mt="md" gap="xs">
          <Own me={me} />
        </Stack>
      </AppShell.Navbar>
      <AppShell.Main>
        <Stack gap="md" maw={1440} mx="auto" pb={{ base: 96, sm: 0 }}>
          <Banner />
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </Stack>
      </AppShell.Main>
      <Find opened={finding} close={find.close} />
      <Modal opened={helping} onClose={help.close} title={t("keys.title")}>
        {["find", "search", "help", "close"].map((k) => (
          <Text key={k} size="sm">
            {t(`keys.${k}`)}
          </Text>
        ))}
        <Anchor component={Link} to="/me" onClick={help.close} size="sm" mt="sm" display="block">
          {t("keys.turnOff")}
        </Anchor>
      </Modal>
    </AppShell>
  );
}

// ringOf is the colour of a LINE account, so that nobody sends from the wrong one.
export const ringOf = (channel?: { ring: Ring }) => (channel ? rings[channel.ring] : "var(--lumo-line)");

// Switcher leads to another LINE account: to the same screen, from a single item to its list.
function Switcher() {
  const { t } = useTranslation();
  const { merchant, channels, channel, base, shop } = usePlace();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const go = (to: string | null) => {
    if (!to) return;
    const rest = pathname.startsWith(`${base}/`) ? pathname.slice(base.length + 1) : "";
    const kept = screens.find((s) => s.path === rest || (rest.startsWith(`${s.path}/`) && s.path));
    navigate(`${shop}/oa/${to}${kept?.path ? `/${kept.path}` : ""}`);
  };
  return (
    <Group gap="xs" wrap="nowrap" miw={0}>
      {channel && (
        <Avatar
          size={30}
          name={channel.name}
          className={style.ring}
          alt=""
          aria-hidden="true"
          visibleFrom="xs"
        />
      )}
      {channels.length > 1 ? (
        <Select
          aria-label={t("menu.account")}
          size="xs"
          w={{ base: 130, sm: 200 }}
          searchable={channels.length >= 8}
          data={channels.map((c) => ({ value: account(c), label: `${c.name} ${c.basic_id}` }))}
          value={channel ? account(channel) : null}
          onChange={go}
          allowDeselect={false}
        />
      ) : (
        <Text size="sm" truncate>
          {channel ? `${channel.name} ${channel.basic_id}` : merchant.name}
        </Text>
      )}
    </Group>
  );
}
