import {
  Anchor,
  Badge,
  Button,
  Card,
  Container,
  Group,
  SegmentedControl,
  Stack,
  Switch,
  Text,
  useMantineColorScheme,
} from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Me, read, type Schema } from "../api";
import { browserZone, Failed, Loading, Page, Result, Section, useAction, useLetters, When } from "../parts";
import { Languages } from "./Languages";

type Session = Schema<"SessionView">;

// OwnAccount is what belongs to the person: her language, colours, and where she is signed in.
export function OwnAccount({ me }: { me: Me }) {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const shop = me.merchants[0];
  const speak = useAction(async (language: string) => {
    await read(api.PATCH("/me", { body: { language } }));
  });
  return (
    <Container component="main" size="sm" py="lg">
      <Stack>
        {shop && (
          <Anchor component={Link} to={`/${shop.slug}`} size="sm">
            {t("account.own.back", { shop: shop.name })}
          </Anchor>
        )}
        <Page title={t("account.own.title")} lead={me.member?.email}>
          <Card withBorder>
            <Section title={t("account.language")}>
              <Result of={speak} what="account.own.notSaved">
                <Languages chosen={(l) => speak.run(l)} />
              </Result>
            </Section>
          </Card>
          <Card withBorder>
            <Section title={t("account.colours")}>
              <SegmentedControl
                w="fit-content"
                aria-label={t("account.colours")}
                value={colorScheme}
                onChange={(v) => setColorScheme(v as typeof colorScheme)}
                data={["auto", "light", "dark"].map((v) => ({ value: v, label: t(`account.colour.${v}`) }))}
              />
              <Text size="sm" c="dimmed">
                {t("account.own.thisBrowser")}
              </Text>
            </Section>
          </Card>
          <Keys />
          <Sessions />
        </Page>
      </Stack>
    </Container>
  );
}

// Keys lets her turn off what works by one key alone.
function Keys() {
  const { t } = useTranslation();
  const [on, turn] = useLetters();
  return (
    <Card withBorder>
      <Section title={t("keys.title")}>
        <Switch
          checked={on}
          onChange={(e) => turn(e.currentTarget.checked)}
          label={t("keys.single")}
          description={t("keys.singleText")}
        />
      </Section>
    </Card>
  );
}

// Sessions are where she is signed in; each can be ended, and all others at once.
function Sessions() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const all = useQuery({ queryKey: ["sessions"], queryFn: () => read(api.GET("/me/sessions")) });
  const end = useAction(async (session: string, headers) => {
    const left = session
      ? await read(api.POST("/me/sessions/{session}/end", { params: { path: { session } }, headers }))
      : await read(api.POST("/me/sessions/end_others", { headers }));
    client.setQueryData(["sessions"], left);
  });
  if (all.isPending) return <Loading shape="lines" />;
  if (all.error)
    return <Failed error={all.error} again={() => all.refetch()} what="account.sessions.failed" />;
  const others = all.data.items.filter((s) => !s.current).length;
  return (
    <Card withBorder>
      <Section title={t("account.sessions.title")}>
        <Text size="sm" c="dimmed">
          {t("account.sessions.zone", { zone: browserZone })}
        </Text>
        <Stack component="ul" gap="sm" m={0} p={0} style={{ listStyle: "none" }}>
          {all.data.items.map((s) => (
            <li key={s.id}>
              <Row of={s} busy={end.busy} end={() => end.run(s.id)} />
            </li>
          ))}
        </Stack>
        {end.error && <Failed error={end.error} what="account.sessions.notEnded" />}
        {others > 0 ? (
          <Button variant="default" w="fit-content" onClick={() => end.run("")} loading={end.busy}>
            {t("account.sessions.endOthers", { count: others, n: others })}
          </Button>
        ) : (
          <Text size="sm" c="dimmed" role="status">
            {t("account.sessions.onlyHere")}
          </Text>
        )}
      </Section>
    </Card>
  );
}

function Row({ of: s, busy, end }: { of: Session; busy: boolean; end: () => void }) {
  const { t } = useTranslation();
  return (
    <Group justify="space-between">
      <div>
        <Group gap="xs">
          <Text size="sm">{s.device || t("account.sessions.unknown")}</Text>
          {s.current && (
            <Badge variant="default" radius="sm">
              {t("account.sessions.current")}
            </Badge>
          )}
        </Group>
        <Text size="sm" c="dimmed">
          {t("account.sessions.since")} <When at={s.started_at} full /> · {t("account.sessions.seen")}{" "}
          <When at={s.seen_at} full />
        </Text>
      </div>
      {!s.current && (
        <Button size="xs" variant="default" onClick={end} disabled={busy}>
          {t("account.sessions.end")}
        </Button>
      )}
    </Group>
  );
}
