import { AppShell, Burger, Group, NavLink, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBuildingStore, IconLayoutDashboard, IconPackage, IconServer2 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link, Navigate, Outlet, Route, Routes, useLocation } from "react-router";
import type { Me } from "../api";
import { Own } from "../shell/Own";
import { SessionEnd } from "../shell/SessionEnd";
import { useOverview } from "./data";
import { OneEdge } from "./Edge";
import { Edges } from "./Edges";
import { Merchants } from "./Merchants";
import { Modules } from "./Modules";
import { Overview } from "./Overview";
import { AllStopped, StopAll } from "./StopAll";

// Ops is where the people work who run the system.
export function Ops({ me }: { me: Me }) {
  return (
    <Routes>
      <Route element={<Frame me={me} />}>
        <Route index element={<Overview />} />
        <Route path="edges" element={<Edges />} />
        <Route path="edges/:edge" element={<OneEdge />} />
        <Route path="modules" element={<Modules />} />
        <Route path="merchants" element={<Merchants />} />
        <Route path="*" element={<Navigate to="/ops" replace />} />
      </Route>
    </Routes>
  );
}

const places = [
  { to: "/ops", title: "ops.overview.title", Icon: IconLayoutDashboard },
  { to: "/ops/edges", title: "ops.edges.title", Icon: IconServer2 },
  { to: "/ops/modules", title: "ops.modules.title", Icon: IconPackage },
  { to: "/ops/merchants", title: "ops.merchants.title", Icon: IconBuildingStore },
];

function Frame({ me }: { me: Me }) {
  const { t } = useTranslation();
  const [opened, drawer] = useDisclosure();
  const { pathname } = useLocation();
  const stop = useOverview().data?.stop;
  const here = (to: string) => (to === "/ops" ? pathname === to : pathname.startsWith(to));
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 208, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding="md"
    >
      <AppShell.Header px="md">
        <Group h="100%" justify="space-between" wrap="nowrap" gap="sm">
          <Group wrap="nowrap" gap="sm" miw={0}>
            <Burger
              opened={opened}
              onClick={drawer.toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={t("menu.open")}
            />
            <Text fw={700}>Lumo</Text>
            <Text size="sm" c="dimmed" truncate>
              {t("ops.system")}
            </Text>
          </Group>
          <Group gap="sm" wrap="nowrap">
            <StopAll />
            <Group visibleFrom="sm">
              <Own me={me} />
            </Group>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t("menu.label")}>
        {places.map(({ to, title, Icon }) => (
          <NavLink
            key={to}
            component={Link}
            to={to}
            label={t(title)}
            leftSection={<Icon size={18} stroke={1.5} aria-hidden="true" />}
            active={here(to)}
            aria-current={here(to) ? "page" : undefined}
            onClick={drawer.close}
          />
        ))}
        <Stack hiddenFrom="sm" mt="md">
          <Own me={me} />
        </Stack>
      </AppShell.Navbar>
      <AppShell.Main>
        <Stack gap="md" maw={1440} mx="auto" pb={{ base: 64, sm: 0 }}>
          {stop && <AllStopped of={stop} />}
          <Outlet />
        </Stack>
      </AppShell.Main>
      <SessionEnd email={me.operator?.email} />
    </AppShell>
  );
}
