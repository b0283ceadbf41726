import { Anchor, Button, Card, Group, Image, Stack, Text, TextInput } from "@mantine/core";
import { IconCircle, IconCircleCheckFilled } from "@tabler/icons-react";
import { type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Home } from "../api";
import { useOwnPhone } from "../connection/useOwnPhone";
import { Failed, fieldError, Section } from "../parts";
import { usePlace } from "../place";
import { TestSend } from "../testsend/TestSend";
import { useHiding } from "./hiding";

type Step = Home["checklist"][number];

// Steps are the way from a new shop to its first message; the first that is not done is open.
export function Steps({ of, hideable = false }: { of: Step[]; hideable?: boolean }) {
  const { t } = useTranslation();
  const hiding = useHiding();
  const next = of.find((s) => !s.done)?.step;
  const [chosen, choose] = useState<string>();
  const done = of.filter((s) => s.done).length;
  // What became of a test stays in sight when its step turns green.
  const tested = useRef(false);
  if (next === "test_message") tested.current = true;
  const isOpen = (step: string) =>
    step === next || step === chosen || (step === "test_message" && tested.current);
  return (
    <Card withBorder>
      <Section
        title={t("home.checklist")}
        actions={
          hideable && (
            <Button size="compact-sm" variant="default" onClick={hiding.hide}>
              {t("home.hideSteps")}
            </Button>
          )
        }
      >
        <Text size="sm" c="dimmed">
          {t("home.stepsDone", { done, all: of.length })}
        </Text>
        <Stack component="ol" gap="md" m={0} p={0} style={{ listStyle: "none" }}>
          {of.map((s, i) => (
            <li key={s.step} aria-current={s.step === next ? "step" : undefined}>
              <Group gap="xs" wrap="nowrap" align="start">
                {s.done ? (
                  <IconCircleCheckFilled
                    size={20}
                    color="var(--lumo-good)"
                    aria-hidden="true"
                    style={{ flexShrink: 0 }}
                  />
                ) : (
                  <IconCircle
                    size={20}
                    stroke={1.5}
                    color="var(--lumo-border)"
                    aria-hidden="true"
                    style={{ flexShrink: 0 }}
                  />
                )}
                <Stack gap="xs" flex={1} miw={0}>
                  <Group gap="xs">
                    <Text size="sm" fw={s.step === next ? 600 : undefined}>
                      {i + 1}. {t(`home.step.${s.step}`)}
                    </Text>
                    {s.done && (
                      <Text size="sm" c="var(--lumo-good)">
                        {t("home.done")}
                      </Text>
                    )}
                    {inside.includes(s.step) && (chosen === s.step || !isOpen(s.step)) && (
                      <Button
                        size="compact-xs"
                        variant="subtle"
                        aria-expanded={chosen === s.step}
                        onClick={() => choose(chosen === s.step ? undefined : s.step)}
                      >
                        {t(`home.open.${s.step}`)}
                      </Button>
                    )}
                  </Group>
                  {s.step === "link_yourself" && s.done && s.name && (
                    <Text size="sm" role="status" c="var(--lumo-good)">
                      {t("home.thatsYou", { name: s.name })}
                    </Text>
                  )}
                  {isOpen(s.step) && <Body of={s} all={of} />}
                </Stack>
              </Group>
            </li>
          ))}
        </Stack>
      </Section>
    </Card>
  );
}

// What can be done again here, and opened before its turn.
const inside = ["link_yourself", "test_message"];

function Body({ of: s, all }: { of: Step; all: Step[] }): ReactNode {
  const { t } = useTranslation();
  const { base, shop, mayChange, mayManage } = usePlace();
  const to: Record<string, string> = {
    line: `${shop}/settings/line`,
    klaviyo: `${shop}/settings/klaviyo`,
    first_flow: `${base}/flows/settings`,
  };
  const ready = (step: string) => all.some((one) => one.step === step && one.done);
  if (s.step === "link_yourself") {
    if (!mayChange) return null;
    return ready("line") && ready("klaviyo") ? <OwnPhone /> : <Text size="sm">{t("home.own.first")}</Text>;
  }
  if (s.step === "test_message") return mayChange && ready("line") ? <TestSend /> : null;
  if (s.done || (s.step !== "first_flow" && !mayManage)) return null;
  return (
    <Group gap="xs">
      <Text size="sm">{t(`home.why.${s.step}`)}</Text>
      <Button size="xs" component={Link} to={to[s.step] ?? base}>
        {t(`home.go.${s.step}`)}
      </Button>
    </Group>
  );
}

// OwnPhone shows the QR code that makes a member's own phone a test friend. The step turns green
// by itself.
function OwnPhone() {
  const { t } = useTranslation();
  const { channel } = usePlace();
  const { email, type, show, own, image } = useOwnPhone(channel?.id ?? "", t("home.own.name"));
  const field = fieldError(show.error, "email");
  return (
    <Stack gap="xs">
      <Text size="sm">{t("home.own.why")}</Text>
      <Group align="end">
        <TextInput
          label={t("home.own.email")}
          type="email"
          value={email}
          onChange={(e) => type(e.currentTarget.value)}
          error={field}
          w={280}
          maw="100%"
        />
        <Button onClick={() => show.run(undefined)} loading={show.busy} disabled={!email}>
          {t("home.own.show")}
        </Button>
      </Group>
      {show.error && !field && <Failed error={show.error} what="home.own.failed" />}
      {own && (
        <Group align="center">
          <Image src={image} alt={t("home.own.alt")} w={180} h={180} />
          <Stack gap={4} flex={1} miw={200}>
            <Text size="sm">{t("home.own.scan")}</Text>
            <Text size="sm" c="dimmed" role="status">
              {t("home.own.waiting")}
            </Text>
            <Anchor
              href={own.url}
              size="xs"
              style={{ overflowWrap: "anywhere" }}
              target="_blank"
              rel="noreferrer"
            >
              {own.url}
            </Anchor>
          </Stack>
        </Group>
      )}
    </Stack>
  );
}
