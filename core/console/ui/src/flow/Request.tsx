import { Card, Grid, Group, Stack, Text, Timeline, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { type FlowRequestDetail, get } from "../api";
import { Failed, Loading, State, useReason, When } from "../parts";
import { Preview } from "../phone/Preview";
import { usePlace } from "../place";
import { Again } from "./Again";

const signs: Record<string, string> = { done: "✓", failed: "✕", not_reached: "·" };

// Request tells one call step by step, and shows what LINE got.
export function Request() {
  const { t, i18n } = useTranslation();
  const { request: id } = useParams();
  const { at, merchant, channel } = usePlace();
  const reason = useReason();
  const call = useQuery({
    queryKey: ["flow", id],
    queryFn: () => get<FlowRequestDetail>(`${at}/flow_requests/${id}`),
  });
  if (call.isPending) return <Loading />;
  if (call.error) return <Failed error={call.error} again={() => call.refetch()} what="flow.failed" />;
  const r = call.data;
  return (
    <Grid>
      <Grid.Col span={{ base: 12, md: 7 }}>
        <Stack>
          <Title order={1} size={20}>
            {t("flow.request.title", { person: r.friend?.name || r.profile_id || "-" })}
          </Title>
          <Group>
            <State of={r.state} words="state" />
            <Text size="sm">{reason(r.reason, r.reason_data)}</Text>
          </Group>
          <Again call={r} />
          <Card withBorder>
            <Timeline bulletSize={20} lineWidth={2}>
              {r.steps.map((step) => (
                <Timeline.Item
                  key={step.code}
                  bullet={<span aria-hidden="true">{signs[step.state]}</span>}
                  title={t(`flow.step.${step.data?.minutes === undefined ? step.code : "calledAfter"}`, {
                    last4: "-",
                    ...step.data,
                  })}
                >
                  <Text size="sm" c="dimmed">
                    {step.at && <When at={step.at} timeZone={merchant.time_zone} />}{" "}
                    {t(`flow.stepState.${step.state}`)}
                  </Text>
                </Timeline.Item>
              ))}
            </Timeline>
          </Card>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 5 }}>
        {r.messages && channel && (
          <Preview
            language={i18n.language}
            account={{ name: channel.name }}
            label={t("flow.request.phone")}
            messages={r.messages.map((m) => ({ message: m, at: r.at ?? undefined }))}
          />
        )}
      </Grid.Col>
    </Grid>
  );
}
