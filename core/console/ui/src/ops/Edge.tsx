import { Alert, Anchor, Button, Card, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, read } from "../api";
import {
  BarChart,
  Chart,
  Confirm,
  LineChart,
  Page,
  Section,
  State,
  useAction,
  useFormat,
  When,
} from "../parts";
import { type EdgePage, useEdge } from "./data";
import { Silent } from "./Edges";
import { Log } from "./Log";
import { Fact, Fresh, Refused } from "./Parts";

// OneEdge is an edge with its last day, and its end.
export function OneEdge() {
  const { t } = useTranslation();
  const { edge = "" } = useParams();
  const found = useEdge(edge);
  const [revoking, setRevoking] = useState(false);
  const e = found.data;
  return (
    <Page
      title={e?.name ?? t("ops.edge.title")}
      state={e && <State of={e.state} words="ops.state" />}
      lead={
        <Anchor component={Link} to="/ops/edges" size="sm">
          {t("ops.edges.all")}
        </Anchor>
      }
      actions={
        e &&
        e.state !== "revoked" && (
          <Button variant="outline" color="red" onClick={() => setRevoking(true)}>
            {t("ops.revoke.open")}
          </Button>
        )
      }
    >
      <Fresh of={found} failed="ops.edge.failed">
        {(data) => <Shown of={data} />}
      </Fresh>
      {revoking && e && <Revoke of={e} close={() => setRevoking(false)} />}
    </Page>
  );
}

function Shown({ of: e }: { of: EdgePage }) {
  const { t } = useTranslation();
  const { count, decimal, bytes, duration, moment } = useFormat();
  return (
    <>
      {e.state === "silent" && <Silent of={e} />}
      {e.state === "revoked" && (
        <Alert color="gray" variant="light" role="status">
          <Text size="sm">{t("ops.revoke.done", { time: e.revoked_at ? moment(e.revoked_at) : "-" })}</Text>
          {e.still_asks && <Text size="sm">{t("ops.revoke.asks")}</Text>}
        </Alert>
      )}
      {e.trouble.map((one) => (
        <Alert
          key={one}
          color="yellow"
          variant="light"
          icon={<IconAlertTriangle stroke={1.5} />}
          role="status"
        >
          <Text size="sm" fw={600}>
            {t(`ops.trouble.${one}`)}
          </Text>
          {one === "modules" ? (
            <Refused reason={e.modules_reason} detail={e.modules_detail} />
          ) : (
            <Text size="sm">{t(`ops.trouble.${one}Do`)}</Text>
          )}
        </Alert>
      ))}
      {e.set_aside.length > 0 && <Aside of={e.set_aside} />}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card component="section" aria-label={t("ops.edge.now")}>
          <Stack gap={6}>
            <Fact name={t("ops.edge.contact")}>
              {e.last_contact_at ? <When at={e.last_contact_at} /> : t("ops.edge.never")}
            </Fact>
            <Fact name={t("ops.edge.connected")}>
              <When at={e.connected_at} />
            </Fact>
            <Fact name={t("ops.edge.behind")}>{count(e.behind_seconds)}</Fact>
            <Fact name={t("ops.edge.waiting")}>
              {e.waiting_events > 0
                ? t("ops.edge.oldest", {
                    count: e.waiting_events,
                    n: count(e.waiting_events),
                    t: duration(e.oldest_seconds),
                  })
                : "0"}
            </Fact>
            <Fact name={t("ops.edge.rate")}>{decimal(e.events_per_second)}</Fact>
          </Stack>
        </Card>
        <Card component="section" aria-label={t("ops.edge.what")}>
          <Stack gap={6}>
            <Fact name={t("ops.edge.version")}>{e.version || "-"}</Fact>
            <Fact name={t("ops.edge.modules")}>
              {e.modules_version === 0 ? t("ops.edge.builtIn") : e.modules_version}
            </Fact>
            <Fact name={t("ops.edge.disk")}>
              {t("ops.edge.diskOf", { n: bytes(e.disk_bytes), of: bytes(e.disk_limit) })}
            </Fact>
            <Fact name={t("ops.edge.scope")}>
              {e.merchants === 0 ? t("ops.edge.everybody") : e.scope.map((s) => s.name).join(", ")}
            </Fact>
            <Fact name={t("ops.edge.created")}>
              <When at={e.created_at} full />
            </Fact>
          </Stack>
        </Card>
      </SimpleGrid>
      <Charts of={e} />
      <Section title={t("ops.edge.log")}>
        <Card>
          <Log lines={e.log} title={t("ops.edge.log")} />
        </Card>
      </Section>
    </>
  );
}

// Aside says what the core could not take of an edge, so that it can be set right there.
function Aside({ of }: { of: EdgePage["set_aside"] }) {
  const { t } = useTranslation();
  const { count, moment } = useFormat();
  const all = of.reduce((sum, a) => sum + a.n, 0);
  return (
    <Alert color="yellow" variant="light" icon={<IconAlertTriangle stroke={1.5} />} role="status">
      <Text size="sm" fw={600}>
        {t("ops.aside.title", { count: all, n: count(all) })}
      </Text>
      {of.map((a) => (
        <Text size="sm" key={a.reason}>
          {t(`ops.aside.${a.reason}`, { count: a.n, n: count(a.n), time: moment(a.last_at ?? "") })}
        </Text>
      ))}
      <Text size="sm">{t("ops.aside.kept")}</Text>
    </Alert>
  );
}

const step = 600_000;
const day = 144;

// Charts are the last 24 hours. Where there was no contact there is a gap, not a zero.
function Charts({ of }: { of: EdgePage }) {
  const { t } = useTranslation();
  const { time } = useFormat();
  const known = new Map(of.history.map((h) => [Date.parse(h.at ?? ""), h]));
  const last = Math.floor(Date.now() / step) * step;
  const taken = t("ops.chart.taken");
  const waiting = t("ops.chart.waiting");
  const data = Array.from({ length: day }, (_, i) => {
    const at = last - (day - 1 - i) * step;
    const h = known.get(at);
    return {
      at: time(new Date(at)),
      [taken]: h ? h.events : null,
      [waiting]: h ? h.waiting_events : null,
    };
  });
  const rows = of.history.map((h) => [time(h.at ?? ""), h.events, h.waiting_events, h.oldest_seconds]);
  const columns = [t("ops.chart.at"), taken, waiting, t("ops.chart.oldest")];
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }}>
      <Chart
        title={t("ops.chart.takenTitle")}
        unit={t("ops.chart.unit")}
        columns={columns}
        rows={rows}
        height={200}
      >
        <BarChart
          h={200}
          data={data}
          dataKey="at"
          barChartProps={{ accessibilityLayer: false }}
          series={[{ name: taken, color: "var(--lumo-chart-1)" }]}
        />
      </Chart>
      <Chart
        title={t("ops.chart.waitingTitle")}
        unit={t("ops.chart.unit")}
        columns={columns}
        rows={rows}
        height={200}
      >
        <LineChart
          h={200}
          data={data}
          dataKey="at"
          connectNulls={false}
          withDots={false}
          lineChartProps={{ accessibilityLayer: false }}
          series={[{ name: waiting, color: "var(--lumo-chart-3)" }]}
        />
      </Chart>
    </SimpleGrid>
  );
}

function Revoke({ of: e, close }: { of: EdgePage; close: () => void }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const client = useQueryClient();
  const revoke = useAction<void, unknown>(async (_, headers) => {
    const done = await read(
      api.POST("/ops/edges/{edge}/revoke", {
        params: { path: { edge: e.id } },
        body: { name: e.name },
        headers,
      }),
    );
    client.setQueryData(["ops edge", e.id], done);
    close();
  });
  return (
    <Confirm
      opened
      close={close}
      title={t("ops.revoke.title", { name: e.name })}
      verb={t("ops.revoke.do")}
      action={revoke}
      failed="ops.revoke.failed"
      danger
      type={{ label: t("ops.revoke.type", { name: e.name }), expected: e.name }}
    >
      <Text size="sm">{t("ops.revoke.what", { count: e.waiting_events, n: count(e.waiting_events) })}</Text>
    </Confirm>
  );
}
