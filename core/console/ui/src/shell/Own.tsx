import {
  Avatar,
  Group,
  Menu,
  SegmentedControl,
  Stack,
  Text,
  UnstyledButton,
  useMantineColorScheme,
  VisuallyHidden,
} from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "react-router";
import { api, type Me, read } from "../api";
import { setLanguage } from "../i18n";

// Own is a person's own menu: language, colours, the other side of the console, the way out.
export function Own({ me }: { me: Me }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const ops = useLocation().pathname.startsWith("/ops");
  const who = ops ? me.operator : (me.member ?? me.operator);
  const other = ops ? me.merchants.length > 0 : !!me.operator;
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const out = async () => {
    await read(api.POST("/sign_out"));
    client.clear();
    location.assign("/sign-in");
  };
  const speak = async (language: string) => {
    setLanguage(language);
    await read(api.PATCH("/me", { body: { language } }));
  };
  useEffect(() => {
    document.documentElement.lang = i18n.language;
  }, [i18n.language]);
  return (
    <Menu position="bottom-end" closeOnItemClick={false}>
      <Menu.Target>
        <UnstyledButton>
          <Group gap={6} wrap="nowrap">
            <Avatar size={28} name={who?.name} alt="" aria-hidden="true" />
            <Text size="sm" visibleFrom="lg">
              {who?.name}
            </Text>
          </Group>
          <VisuallyHidden>{t("menu.own")}</VisuallyHidden>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Stack p="xs" gap="xs">
          <Text size="sm">{who?.email}</Text>
          <SegmentedControl
            aria-label={t("account.language")}
            value={i18n.language}
            onChange={speak}
            data={[
              { value: "en", label: "English" },
              { value: "ja", label: "日本語" },
            ]}
          />
          <SegmentedControl
            aria-label={t("account.colours")}
            value={colorScheme}
            onChange={(v) => setColorScheme(v as typeof colorScheme)}
            data={["auto", "light", "dark"].map((v) => ({ value: v, label: t(`account.colour.${v}`) }))}
          />
        </Stack>
        {other && (
          <Menu.Item component={Link} to={ops ? "/" : "/ops"}>
            {t(ops ? "ops.toShop" : "ops.toSystem")}
          </Menu.Item>
        )}
        {me.member && (
          <Menu.Item component={Link} to="/me">
            {t("account.own.title")}
          </Menu.Item>
        )}
        <Menu.Item onClick={out}>{t("account.signOut")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
