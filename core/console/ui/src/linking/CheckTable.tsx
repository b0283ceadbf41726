import { Anchor, Button, Group, Stack, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { get, type List, type Schema } from "../api";
import { DataTable, Empty, Person, Section, useFormat, usePages } from "../parts";
import { usePlace } from "../place";

export type Import = Schema<"ImportView">;
type Run = Schema<"RunView">;
type Item = Schema<"ImportItemView">;

// What a check found, in this order; the others are shown only where there are some.
const always = {
  import_check: ["will_link", "already", "malformed", "unreachable", "review"],
  auto_check: ["will_link", "already", "review", "nobody"],
};
const sometimes = ["unknown", "empty", "left", "nobody", "linked", "undone", "kept"];

// resultsOf are the results that a run's table lists.
function resultsOf(run: Run) {
  const first = run.kind === "import_check" || run.kind === "auto_check" ? always[run.kind] : [];
  const found = Object.keys(run.counts).filter((r) => (run.counts[r] ?? 0) > 0 && !first.includes(r));
  return [
    ...first,
    ...sometimes.filter((r) => found.includes(r)),
    ...found.filter((r) => !sometimes.includes(r)),
  ];
}

type Props = { run: Run; title: string; friends?: boolean }; // counts friends, not customers

// CheckTable says how many there are of each result; each opens its people and a file.
export function CheckTable({ run, title, friends }: Props) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const { at } = usePlace();
  const [params, setParams] = useSearchParams();
  const shown = params.get("of") === run.id ? params.get("people") : null;
  const show = (result: string) =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      if (shown === result) {
        next.delete("people");
        next.delete("of");
      } else {
        next.set("people", result);
        next.set("of", run.id);
      }
      return next;
    });
  return (
    <Stack gap="sm">
      <Table.ScrollContainer minWidth={320} type="native">
        <Table aria-label={title}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("linking.import.result")}</Table.Th>
              <Table.Th ta="right" style={{ whiteSpace: "nowrap" }}>
                {t(`linking.import.number.${friends ? "friends" : "customers"}`)}
              </Table.Th>
              <Table.Th>{t("linking.import.open")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {resultsOf(run).map((r) => (
              <Table.Tr key={r}>
                <Table.Td>
                  {t(`linking.import.result.${r}`)}
                  <Text size="sm" c="dimmed">
                    {t(`linking.import.means.${r}`)}
                  </Text>
                </Table.Td>
                <Table.Td
                  ta="right"
                  style={{ fontVariantNumeric: "tabular-nums" }}
                  data-testid={`result-${r}`}
                >
                  {count(run.counts[r] ?? 0)}
                </Table.Td>
                <Table.Td>
                  {(run.counts[r] ?? 0) > 0 && (
                    <Group gap="xs">
                      <Button
                        size="compact-sm"
                        variant="default"
                        aria-expanded={shown === r}
                        onClick={() => show(r)}
                      >
                        {t("linking.import.people")}
                      </Button>
                      <Anchor
                        size="sm"
                        href={`/api/v1${at}/imports/${run.id}/people.csv?result=${r}`}
                        download
                      >
                        {t("linking.import.csv")}
                      </Anchor>
                    </Group>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {shown && <People run={run} result={shown} />}
    </Stack>
  );
}

// People are the customers or friends of one result, with names as Klaviyo has them now.
function People({ run, result }: { run: Run; result: string }) {
  const { t } = useTranslation();
  const { at } = usePlace();
  const pages = usePages<Item>({
    queryKey: ["run", "people", run.id, result],
    fetch: ({ cursor, limit }) =>
      get<List<Item>>(
        `${at}/imports/${run.id}/people?result=${result}&limit=${limit}${cursor ? `&cursor=${cursor}` : ""}`,
      ),
  });
  const title = t(`linking.import.result.${result}`);
  return (
    <Section title={title}>
      <DataTable
        caption={title}
        failed="linking.failed"
        pages={pages}
        id={(i) => String(i.n)}
        empty={<Empty kind="filtered" />}
        columns={[
          {
            key: "customer",
            title: t("linking.import.customer"),
            cell: (i) => i.name || i.profile_id || "-",
          },
          {
            key: "profile",
            title: t("linking.import.profile"),
            card: "fact",
            cell: (i) => i.profile_id || "-",
          },
          {
            key: "friend",
            title: t("linking.import.friend"),
            card: "fact",
            cell: (i) => (i.friend ? <Person friend={i.friend} /> : "-"),
          },
          {
            key: "by",
            title: t("linking.import.by"),
            cell: (i) => (i.claim ? t(`linking.import.by.${i.claim}`) : t("linking.import.by.line")),
          },
        ]}
      />
    </Section>
  );
}
