import { Button, Card, Group, List, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schema } from "../api";
import { Section } from "../parts";
import { usePlace } from "../place";
import { Sign } from "./Findings";

type Props = { of: Schema<"FlowDoctorView"> };

const steps = ["copied", "called", "live", "sent"] as const;

// Guide leads to the first message of a flow. Each step is ticked when it was seen to be done.
export function Guide({ of }: Props) {
  const { t } = useTranslation();
  const { base, exists } = usePlace();
  const next = steps.find((s) => !of.setup[s]);
  return (
    <Section title={t("flow.guide.title")}>
      <Card>
        <List type="ordered" size="sm" spacing="sm" listStyleType="none" aria-label={t("flow.guide.title")}>
          {steps.map((s, i) => (
            <List.Item key={s} icon={<Sign ok={of.setup[s] || undefined} />}>
              <Text size="sm" fw={s === next ? 600 : undefined}>
                {t("flow.guide.step", { n: i + 1, text: t(`flow.guide.${s}`) })}
              </Text>
              <Text size="sm" c="dimmed">
                {t(of.setup[s] ? "flow.guide.seen" : "flow.guide.unseen")}
              </Text>
              {s === "called" && !of.setup.called && of.refused_24h > 0 && (
                <Text size="sm">{t("flow.guide.refused", { n: of.refused_24h })}</Text>
              )}
            </List.Item>
          ))}
        </List>
        <Group gap="xs" mt="md">
          {exists("flows/settings") && (
            <Button size="xs" component={Link} to={`${base}/flows/settings`}>
              {t("menu.flowSettings")}
            </Button>
          )}
          <Button size="xs" variant="default" component={Link} to={`${base}/messages`}>
            {t("menu.messages")}
          </Button>
        </Group>
      </Card>
    </Section>
  );
}
