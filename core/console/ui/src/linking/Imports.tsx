import { Button, Card, Group, Radio, Select, Stack, Text, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, get, type List, read, type Schema } from "../api";
import {
  DataTable,
  Empty,
  Failed,
  Loading,
  Page,
  Section,
  State,
  useAction,
  useFormat,
  usePages,
  When,
} from "../parts";
import { usePlace } from "../place";
import type { Import } from "./CheckTable";

type Property = Schema<"PropertyView">;

const other = "\u0000"; // a property that the merchant names

// Imports brings LINE ids in that Klaviyo has from another tool: always a check first.
export function Imports() {
  const { t } = useTranslation();
  const { at, base, channel, mayChange } = usePlace();
  const { count } = useFormat();
  const pages = usePages<Import>({
    queryKey: ["run", "imports", channel?.id],
    fetch: () => get<List<Import>>(`${at}/imports`),
  });
  return (
    <Page title={t("linking.import.title")} lead={t("linking.import.lead")}>
      {mayChange && <NewCheck />}
      <Section title={t("linking.import.earlier")}>
        <DataTable
          caption={t("linking.import.earlier")}
          failed="linking.failed"
          pages={pages}
          id={(i) => i.id}
          link={(i) => `${base}/linking/import/${i.id}`}
          empty={<Empty kind="new" title={t("linking.import.none")} text={t("linking.import.noneText")} />}
          columns={[
            {
              key: "segment",
              title: t("linking.import.segment"),
              cell: (i) => i.segment_name || i.segment_id,
            },
            {
              key: "at",
              title: t("linking.import.checkedAt"),
              cell: (i) => <When at={i.check.created_at} />,
            },
            {
              key: "checked",
              title: t("linking.import.result.will_link"),
              numeric: true,
              card: "fact",
              cell: (i) => count(i.check.counts.will_link ?? 0),
            },
            {
              key: "linked",
              title: t("linking.import.result.linked"),
              numeric: true,
              card: "fact",
              cell: (i) => count(i.link?.counts.linked ?? 0),
            },
            {
              key: "state",
              title: t("linking.state"),
              card: "state",
              cell: (i) => <State of={(i.undo ?? i.link ?? i.check).state} words="runState" />,
            },
          ]}
        />
      </Section>
    </Page>
  );
}

// NewCheck chooses segment and property and starts the check.
function NewCheck() {
  const { t } = useTranslation();
  const { at, base, path, channel } = usePlace();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [segment, setSegment] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string>();
  const [own, setOwn] = useState("");
  const segments = useQuery({
    queryKey: ["linking", "segments", channel?.id],
    queryFn: () => get<List<Schema<"SegmentView">>>(`${at}/imports/segments`),
  });
  const properties = useQuery({
    queryKey: ["linking", "properties", channel?.id, segment],
    queryFn: () => get<List<Property>>(`${at}/imports/segments/${segment}/properties`),
    enabled: !!segment,
  });
  const suggested = properties.data?.items ?? [];
  const choice = chosen ?? suggested[0]?.name ?? other;
  const property = choice === other ? own.trim() : choice;
  const check = useAction(async (_: undefined, headers) => {
    const name = segments.data?.items.find((s) => s.id === segment)?.name;
    const body = { segment: segment ?? "", segment_name: name, property };
    const run = await read(
      api.POST("/merchants/{merchant}/channels/{channel}/imports", { params: { path }, body, headers }),
    );
    await client.invalidateQueries({ queryKey: ["run"] });
    navigate(`${base}/linking/import/${run.id}`);
    return run;
  });
  if (segments.isPending) return <Loading shape="list" />;
  if (segments.error)
    return (
      <Failed error={segments.error} again={() => segments.refetch()} what="linking.import.noSegments" />
    );
  return (
    <Card withBorder>
      <Stack>
        <Select
          label={t("linking.import.segment")}
          placeholder={t("linking.import.chooseSegment")}
          data={segments.data.items.map((s) => ({ value: s.id, label: s.name }))}
          value={segment}
          onChange={(v) => [setSegment(v), setChosen(undefined)]}
          searchable
        />
        {properties.error && (
          <Failed
            error={properties.error}
            again={() => properties.refetch()}
            what="linking.import.noProperties"
          />
        )}
        {segment && properties.data && (
          <Radio.Group label={t("linking.import.property")} value={choice} onChange={setChosen}>
            <Stack gap="xs" mt="xs">
              {suggested.map((p) => (
                <Radio key={p.name} value={p.name} label={p.name} description={<Samples of={p} />} />
              ))}
              <Radio value={other} label={t("linking.import.otherProperty")} />
            </Stack>
          </Radio.Group>
        )}
        {segment && properties.data && choice === other && (
          <TextInput
            label={t("linking.import.propertyName")}
            value={own}
            onChange={(e) => setOwn(e.currentTarget.value)}
            autoComplete="off"
          />
        )}
        <Group>
          <Button onClick={() => check.run(undefined)} loading={check.busy} disabled={!segment || !property}>
            {t("linking.import.checkFirst")}
          </Button>
          <Text size="sm" c="dimmed">
            {t("linking.import.checkText")}
          </Text>
        </Group>
        {check.error && <Failed error={check.error} what="linking.import.notStarted" />}
        <Text size="sm" c="dimmed">
          {t("linking.import.far")}
        </Text>
      </Stack>
    </Card>
  );
}

function Samples({ of: p }: { of: Property }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  return (
    <>
      {t("linking.import.samples", { n: count(p.line_ids), all: count(p.looked) })} {p.samples.join(" · ")}
    </>
  );
}
