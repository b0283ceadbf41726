import { Anchor, Button, Card, Group, SimpleGrid, Text, Tooltip } from "@mantine/core";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useContext } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { get, post, type Schema } from "../api";
import {
  BarChart,
  Chart,
  Empty,
  Failed,
  LineChart,
  Loading,
  Page,
  useAction,
  useFormat,
  useShortReason,
  When,
} from "../parts";
import { usePlace } from "../place";
import { Behind, query, type Whom } from "./Behind";
import { before, type Days, today } from "./days";
import { Hours } from "./Hours";
import { Listed } from "./Listed";
import { Range, useRange } from "./Range";
import { all, Together, useTogether, useWhose } from "./together";

type Figures = Schema<"StatisticsView">;
type Row = Schema<"MessageSumsView">;

// Statistics shows what was sent, opened and clicked (UX 5.32).
export function Statistics() {
  const { t } = useTranslation();
  const { at, base, channel, merchant } = usePlace();
  const chosen = useRange();
  const together = useTogether();
  const of = together ? `/merchants/${merchant.id}` : at;
  const figures = ({ from, to }: Days) => ({
    queryKey: ["statistics", together ? all : channel?.id, from, to],
    queryFn: () => get<Figures>(`${of}/statistics?${query({ from, to })}`),
  });
  const right = !chosen.wrong;
  const found = useQuery({ ...figures(chosen.days), enabled: right, placeholderData: keepPreviousData });
  const earlier = useQuery({ ...figures(right ? before(chosen.days) : chosen.days), enabled: right });
  return (
    <Together value={together}>
      <Page
        title={t("menu.statistics")}
        lead={t("statistics.lead", { zone: merchant.time_zone })}
        actions={
          <Anchor component={Link} to={`${base}/statistics/rules`}>
            {t("statistics.rules")}
          </Anchor>
        }
      >
        <Range of={chosen} />
        {right && found.isPending && <Loading shape="cards" />}
        {right && found.error && (
          <Failed error={found.error} again={() => found.refetch()} what="statistics.failed" />
        )}
        {right && found.data && <Shown of={found.data} before={earlier.data} range={query(chosen.days)} />}
        <Card component="section" aria-label={t("statistics.of.sales")}>
          <Text size="sm">{t("statistics.sales")}</Text>
        </Card>
      </Page>
    </Together>
  );
}

function Shown({ of, before, range }: { of: Figures; before?: Figures; range: string }) {
  const { t } = useTranslation();
  const { count, day: short, zone } = useFormat();
  const total = of.total;
  const now = today(zone);
  const some = total.sent + total.raw_clicks + total.failed + total.not_sent > 0;
  const chart = of.days.map((d) => ({
    day: short(`${d.day}T12:00:00Z`),
    unfinished: d.day === now,
    [t("statistics.of.sent")]: d.sent,
    [t("statistics.of.not_sent")]: d.not_sent,
    [t("statistics.of.failed")]: d.failed,
    [t("statistics.of.clicks")]: d.clicks,
    [t("statistics.of.opened")]: d.opened,
  }));
  return (
    <>
      <SimpleGrid cols={{ base: 2, md: 3, lg: 6 }}>
        <Tile
          name="sent"
          n={<Behind whom="sent" n={total.sent} range={range} />}
          was={before && count(before.total.sent)}
        />
        <Tile
          name="not_sent"
          n={<Behind whom="not_sent" n={total.not_sent} range={range} />}
          was={before && count(before.total.not_sent)}
        />
        <Tile
          name="failed"
          n={<Behind whom="failed" n={total.failed} range={range} />}
          was={before && count(before.total.failed)}
        />
        <Tile
          name="opened"
          n={of.opens_measured ? <Behind whom="opened" n={total.opened} range={range} /> : "-"}
          why={of.opens_measured ? undefined : t("statistics.opensOff")}
          part={total.opened}
          whole={total.sent}
          was={before && count(before.total.opened)}
        />
        <Tile
          name="clicks"
          n={<Behind whom="clicked" n={total.clicks} range={range} />}
          beside={t("statistics.rawAlone", { raw: count(total.raw_clicks) })}
          note={
            total.suspect_clicks > 0
              ? t("statistics.suspectLeft", { n: count(total.suspect_clicks) })
              : undefined
          }
          was={before && count(before.total.clicks)}
        />
        <Tile
          name="clickers"
          n={<Behind whom="clicked" n={total.clickers} range={range} />}
          part={total.clickers}
          whole={total.sent}
          was={before && count(before.total.clickers)}
        />
      </SimpleGrid>
      {!some && <Empty kind="new" title={t("statistics.empty")} text={t("statistics.emptyWhy")} />}
      {some && (
        <>
          <SimpleGrid cols={{ base: 1, lg: 2 }}>
            <Chart
              title={t("statistics.chart.sends")}
              unit={t("statistics.unit.sends")}
              unfinished={of.days.some((d) => d.day === now)}
              columns={[
                t("statistics.day"),
                t("statistics.of.sent"),
                t("statistics.of.not_sent"),
                t("statistics.of.failed"),
              ]}
              rows={of.days.map((d) => [d.day, d.sent, d.not_sent, d.failed])}
            >
              <BarChart
                h={240}
                data={chart}
                dataKey="day"
                barChartProps={{ accessibilityLayer: false }}
                type="stacked"
                series={[
                  { name: t("statistics.of.sent"), color: "var(--lumo-chart-1)" },
                  { name: t("statistics.of.not_sent"), color: "var(--lumo-chart-3)" },
                  { name: t("statistics.of.failed"), color: "var(--lumo-chart-5)" },
                ]}
              />
            </Chart>
            <Chart
              title={t("statistics.chart.clicks")}
              unit={t("statistics.unit.clicks")}
              columns={[t("statistics.day"), t("statistics.of.clicks"), t("statistics.of.opened")]}
              rows={of.days.map((d) => [d.day, d.clicks, d.opened])}
            >
              <LineChart
                h={240}
                data={chart}
                dataKey="day"
                curveType="linear"
                lineChartProps={{ accessibilityLayer: false }}
                series={[
                  { name: t("statistics.of.clicks"), color: "var(--lumo-chart-2)" },
                  { name: t("statistics.of.opened"), color: "var(--lumo-chart-4)", strokeDasharray: "4 4" },
                ]}
              />
            </Chart>
          </SimpleGrid>
          <Accounts of={of} range={range} />
          <Hours of={of.hours} />
          <Reasons of={of} range={range} />
          <Messages of={of} range={range} />
          <Links of={of} range={range} />
          <Codes of={of} range={range} />
        </>
      )}
    </>
  );
}

type TileProps = {
  name: string;
  n: ReactNode;
  beside?: string; // smaller, so that both fit on a phone
  why?: string;
  note?: string;
  part?: number;
  whole?: number;
  was?: string;
};

function Tile({ name, n, beside, why, note, part, whole, was }: TileProps) {
  const { t } = useTranslation();
  const { base } = usePlace();
  const { rate, count } = useFormat();
  const share = part !== undefined && whole !== undefined && !why ? rate(part, whole) : undefined;
  return (
    <Card>
      <Tooltip label={t(`statistics.rule.${name}`)} multiline w={280}>
        <Anchor component={Link} to={`${base}/statistics/rules`} size="sm" c="dimmed">
          {t(`statistics.of.${name}`)} ⓘ
        </Anchor>
      </Tooltip>
      <Text fz={24} fw={600} data-testid={`statistics-${name}`}>
        {n}
      </Text>
      {beside && <Text size="sm">{beside}</Text>}
      {share && (
        <Text size="sm">
          {t("statistics.share", { rate: share, n: count(part ?? 0), of: count(whole ?? 0) })}
        </Text>
      )}
      {why && <Text size="sm">{why}</Text>}
      {note && <Text size="sm">{note}</Text>}
      {was !== undefined && !why && (
        <Text size="xs" c="dimmed">
          {t("statistics.before", { n: was })}
        </Text>
      )}
    </Card>
  );
}

type ListProps = { of: Figures; range: string };

// Accounts are the LINE accounts that the figures are of; each figure opens the people behind it.
function Accounts({ of, range }: ListProps) {
  const { t } = useTranslation();
  const whose = useWhose();
  if (!useContext(Together)) return null;
  const figure = (name: "sent" | "not_sent" | "failed" | "opened" | "clicks", whom: Whom = name as Whom) => ({
    name: t(`statistics.of.${name}`),
    of: (a: Figures["accounts"][number]) => (
      <Behind whom={whom} n={a[name]} range={range} name={a.name} channel={a.channel} />
    ),
  });
  return (
    <Listed
      title={t("statistics.byAccount")}
      first={t("statistics.account")}
      csv={["account"]}
      range={range}
      min={640}
      rows={of.accounts}
      id={(a) => a.channel}
      name={(a) => (
        <Anchor component={Link} to={`${whose(a.channel)?.base}/statistics?${range}`}>
          {a.name}
        </Anchor>
      )}
      columns={[
        figure("sent"),
        figure("not_sent"),
        figure("failed"),
        figure("opened"),
        figure("clicks", "clicked"),
      ]}
    />
  );
}

// Reasons are why messages were not sent, or failed; each opens its people.
function Reasons({ of, range }: ListProps) {
  const { t } = useTranslation();
  const short = useShortReason();
  return (
    <Listed
      title={t("statistics.byReason")}
      first={t("flow.reason")}
      none={t("statistics.noReasons")}
      csv={["reason"]}
      range={range}
      min={360}
      rows={of.reasons ?? []}
      id={(r) => `${r.of} ${r.reason}`}
      name={(r) => short(r.reason)}
      bar={(r) => r.count}
      columns={[
        { name: t("statistics.state"), of: (r) => t(`statistics.of.${r.of}`), words: true },
        {
          name: t("statistics.messages"),
          of: (r) => (
            <Behind
              whom={r.of}
              n={r.count}
              range={range}
              narrow={{ reason: r.reason }}
              name={short(r.reason)}
            />
          ),
        },
      ]}
    />
  );
}

function Messages({ of, range }: ListProps) {
  const { t } = useTranslation();
  const whose = useWhose();
  const { count } = useFormat();
  const behind = (m: Row) => ({
    range,
    channel: m.channel,
    narrow: { message: m.id || "direct" },
    name: m.id ? m.name : t("statistics.direct"),
  });
  return (
    <Listed
      title={t("statistics.byMessage")}
      first={t("statistics.message")}
      csv={["day", "message"]}
      range={range}
      min={920}
      rows={of.messages}
      id={(m) => `${m.channel} ${m.id}`}
      channel={(m) => m.channel}
      name={(m) =>
        m.id ? (
          <Anchor component={Link} to={`${whose(m.channel)?.base}/messages/${m.id}`}>
            {m.name}
          </Anchor>
        ) : (
          t("statistics.direct")
        )
      }
      columns={[
        { name: t("statistics.of.sent"), of: (m) => <Behind whom="sent" n={m.sent} {...behind(m)} /> },
        {
          name: t("statistics.of.not_sent"),
          of: (m) => <Behind whom="not_sent" n={m.not_sent} {...behind(m)} />,
        },
        { name: t("statistics.of.failed"), of: (m) => <Behind whom="failed" n={m.failed} {...behind(m)} /> },
        {
          name: t("statistics.of.opened"),
          of: (m) => (of.opens_measured ? <Behind whom="opened" n={m.opened} {...behind(m)} /> : "-"),
        },
        {
          name: t("statistics.of.clicks"),
          of: (m) => (
            <Behind whom="clicked" n={m.clicks} {...behind(m)}>
              {t("statistics.rawToo", { n: count(m.clicks), raw: count(m.raw_clicks) })}
            </Behind>
          ),
        },
        {
          name: t("statistics.of.clickers"),
          of: (m) => <Behind whom="clicked" n={m.clickers} {...behind(m)} />,
        },
        {
          name: t("statistics.of.line"),
          of: (m) => (m.id ? <FromLine row={m} range={range} /> : "-"),
          words: true,
        },
      ]}
    />
  );
}

// FromLine shows LINE's own figures beside ours; LINE hides what fewer than 20 people did.
function FromLine({ row, range }: { row: Row; range: string }) {
  const { t } = useTranslation();
  const whose = useWhose()(row.channel);
  const { count } = useFormat();
  const client = useQueryClient();
  const ask = useAction<void, void>(async (_, headers) => {
    await post(`${whose?.at}/messages/${row.id}/line_figures?${range}`, {}, headers);
    await client.invalidateQueries({ queryKey: ["statistics"] });
  });
  const said = (n?: number) => (n === undefined ? "<20" : count(n));
  return (
    <Group gap="xs" wrap="nowrap">
      {row.line && (
        <Text size="sm">
          {t("statistics.fromLine", { opened: said(row.line.opened), clicked: said(row.line.clicked) })} (
          <When at={row.line.read_at} />)
        </Text>
      )}
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => ask.run()}
        loading={ask.busy}
        aria-label={t("statistics.askFor", { name: row.name })}
      >
        {t("statistics.ask")}
      </Button>
      {ask.error && <Text size="xs">{t("statistics.askFailed")}</Text>}
    </Group>
  );
}

function Links({ of, range }: ListProps) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const behind = (l: Figures["links"][number]) => ({
    range,
    channel: l.channel,
    narrow: { link: String(l.number) },
    name: l.target,
  });
  return (
    <Listed
      title={t("statistics.byLink")}
      first={t("statistics.link")}
      none={t("statistics.noLinks")}
      csv={["link"]}
      range={range}
      min={560}
      rows={of.links}
      id={(l) => `${l.channel} ${l.number}`}
      channel={(l) => l.channel}
      name={(l) => l.target}
      bar={(l) => l.clicks}
      columns={[
        {
          name: t("statistics.of.clicks"),
          of: (l) => (
            <Behind whom="clicked" n={l.clicks} {...behind(l)}>
              {t("statistics.rawToo", { n: count(l.clicks), raw: count(l.raw_clicks) })}
            </Behind>
          ),
        },
        {
          name: t("statistics.of.clickers"),
          of: (l) => <Behind whom="clicked" n={l.clickers} {...behind(l)} />,
        },
      ]}
    />
  );
}

// Codes are the custom QR codes that were scanned, or brought somebody; who scans is known only
// once they sign in.
function Codes({ of, range }: ListProps) {
  const { t } = useTranslation();
  const whose = useWhose();
  const { count } = useFormat();
  const behind = (c: Figures["codes"][number]) => ({
    range,
    channel: c.channel,
    narrow: { qr_code: c.id },
    name: c.name,
  });
  return (
    <Listed
      title={t("statistics.byCode")}
      first={t("statistics.code")}
      none={t("statistics.noCodes")}
      csv={["code"]}
      range={range}
      min={560}
      rows={of.codes}
      id={(c) => c.id}
      channel={(c) => c.channel}
      name={(c) => (
        <Anchor component={Link} to={`${whose(c.channel)?.base}/linking/qr/${c.id}`}>
          {c.name || t("statistics.ownCode")}
        </Anchor>
      )}
      columns={[
        { name: t("statistics.codes.scans"), of: (c) => count(c.scans) },
        {
          name: t("statistics.codes.friends"),
          of: (c) => <Behind whom="joined" n={c.friends} {...behind(c)} />,
        },
        {
          name: t("statistics.codes.links"),
          of: (c) => <Behind whom="linked" n={c.links} {...behind(c)} />,
        },
      ]}
    />
  );
}
