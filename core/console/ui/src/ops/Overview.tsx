import { Anchor, Card, SimpleGrid } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Page, Section, useFormat } from "../parts";
import { type Overview as Data, useOverview } from "./data";
import { Log } from "./Log";
import { Fresh, Tile } from "./Parts";

// Overview is the whole system at a glance: counts, never a merchant's content.
export function Overview() {
  const { t } = useTranslation();
  const found = useOverview();
  return (
    <Page title={t("ops.overview.title")} lead={t("ops.overview.lead")}>
      <Fresh of={found} failed="ops.failed">
        {(data) => <Shown of={data} />}
      </Fresh>
    </Page>
  );
}

function Shown({ of }: { of: Data }) {
  const { t } = useTranslation();
  const { count, decimal } = useFormat();
  const { edges, modules } = of;
  const troubled = edges.needs_you + edges.silent;
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }}>
        <Tile
          name={t("ops.overview.edges")}
          n={t("ops.overview.of", { n: count(edges.working), of: count(edges.total) })}
          more={
            <Anchor component={Link} to="/ops/edges" size="sm">
              {troubled > 0
                ? t("ops.overview.look", { count: troubled, n: count(troubled) })
                : t("ops.overview.all")}
            </Anchor>
          }
        />
        <Tile
          name={t("ops.overview.rate")}
          n={decimal(of.events_per_second)}
          more={t("ops.overview.waiting", { count: of.waiting_events, n: count(of.waiting_events) })}
        />
        <Tile
          name={t("ops.overview.modules")}
          n={t("ops.overview.of", { n: count(modules.live), of: count(modules.of) })}
          more={
            <Anchor component={Link} to="/ops/modules" size="sm">
              {modules.refused > 0
                ? t("ops.overview.refused", { count: modules.refused, n: count(modules.refused) })
                : modules.version === 0
                  ? t("ops.modules.builtIn")
                  : t("ops.modules.version", { n: modules.version })}
            </Anchor>
          }
        />
        <Tile
          name={t("ops.overview.merchants")}
          n={count(of.merchants)}
          more={
            <Anchor component={Link} to="/ops/merchants" size="sm">
              {t("ops.overview.withLine")}
            </Anchor>
          }
        />
      </SimpleGrid>
      <Section title={t("ops.overview.log")}>
        <Card>
          <Log lines={of.log} title={t("ops.overview.log")} linked />
        </Card>
      </Section>
    </>
  );
}
