import { Anchor, Button, Group, SegmentedControl, Stack, Table, Text, Title } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { api, type FlowRequest, get, type List, read } from "../api";
import { Failed, Loading, State, useReason, When } from "../parts";
import { usePlace } from "../place";
import { Checklist, Findings } from "./Findings";
import { Flows } from "./Flows";

// Doctor lists the calls of Klaviyo's flows with their outcome and its reason.
export function Doctor() {
  const { t } = useTranslation();
  const { at, base, channel, merchant, path } = usePlace();
  const doctor = useQuery({
    queryKey: ["flow", "doctor", channel?.id],
    queryFn: () =>
      read(api.GET("/merchants/{merchant}/channels/{channel}/flow_doctor", { params: { path } })),
  });
  const [params, setParams] = useSearchParams();
  const reason = useReason();
  const outcome = params.get("outcome") ?? "";
  const calls = useInfiniteQuery({
    queryKey: ["flow", "list", channel?.id, outcome],
    initialPageParam: "",
    queryFn: ({ pageParam }) => {
      const query = new URLSearchParams();
      if (outcome) query.set("outcome", outcome);
      if (pageParam) query.set("cursor", pageParam);
      return get<List<FlowRequest>>(`${at}/flow_requests?${query}`);
    },
    getNextPageParam: (page) => page.next || undefined,
  });
  const rows = calls.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1} size={20}>
          {t("flow.doctor.title")}
        </Title>
        <Button component={Link} to={`${base}/flows/settings`} variant="default">
          {t("menu.flowSettings")}
        </Button>
      </Group>
      <Text size="sm" c="dimmed">
        {t("flow.doctor.lead")}{" "}
        {doctor.data?.delay_seconds !== undefined &&
          t("flow.doctor.delay", {
            m: Math.round(doctor.data.delay_seconds / 60),
            n: doctor.data.measured,
          })}
      </Text>
      {doctor.data && <Findings of={doctor.data.findings} />}
      {doctor.data && <Flows of={doctor.data.flows} />}
      {doctor.data && <Checklist of={doctor.data} />}
      {doctor.error && <Failed error={doctor.error} again={() => doctor.refetch()} what="flow.failed" />}
      <SegmentedControl
        maw={480}
        aria-label={t("flow.doctor.filter")}
        value={outcome}
        onChange={(v) => setParams(v ? { outcome: v } : {})}
        data={["", "accepted", "skipped", "refused"].map((v) => ({
          value: v,
          label: t(`flow.outcome.${v || "all"}`),
        }))}
      />
      {calls.isPending && <Loading />}
      {calls.error && <Failed error={calls.error} again={() => calls.refetch()} what="flow.failed" />}
      {calls.data &&
        rows.length === 0 &&
        (outcome ? <Text c="dimmed">{t("friend.noMatch")}</Text> : <Guide base={base} />)}
      {rows.length > 0 && (
        <Table.ScrollContainer minWidth={640}>
          <Table highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("flow.arrived")}</Table.Th>
                <Table.Th>{t("flow.person")}</Table.Th>
                <Table.Th>{t("flow.message")}</Table.Th>
                <Table.Th>{t("flow.result")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((r) => (
                <Table.Tr key={r.id}>
                  <Table.Td>
                    <Anchor component={Link} to={`${base}/flows/requests/${r.id}`} size="sm">
                      <When at={r.at} timeZone={merchant.time_zone} />
                    </Anchor>
                  </Table.Td>
                  <Table.Td>{r.friend?.name || r.profile_id || "-"}</Table.Td>
                  <Table.Td>
                    {r.message?.name || (r.outcome === "refused" ? "-" : t("flow.directText"))}
                  </Table.Td>
                  <Table.Td>
                    <State of={r.state} words="state" />{" "}
                    <Text size="sm">{reason(r.reason, r.reason_data)}</Text>
                    {r.repeats > 0 && (
                      <Text size="sm" c="dimmed">
                        {t("flow.repeats", { n: r.repeats })}
                      </Text>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {calls.hasNextPage && (
        <Button variant="default" onClick={() => calls.fetchNextPage()} maw={200}>
          {t("common.more")}
        </Button>
      )}
    </Stack>
  );
}

function Guide({ base }: { base: string }) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs" align="start">
      <Text>{t("flow.doctor.empty")}</Text>
      <Button component={Link} to={`${base}/flows/settings`}>
        {t("flow.doctor.start")}
      </Button>
    </Stack>
  );
}
