import { Badge, Button, Group, Kbd, Table, Text } from "@mantine/core";
import { IconAlertTriangle, IconStar } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { get, post, type Schema } from "../api";
import {
  Failed,
  Loading,
  letterOf,
  Page,
  Result,
  useAction,
  useLetters,
  useUndo,
  When,
  Wide,
} from "../parts";
import { usePlace } from "../place";

type View = Schema<"ComparisonView">;
type Side = Schema<"SideView">;

// ReviewItem compares the two answers of a conflict and takes the decision.
export function ReviewItem() {
  const { t } = useTranslation();
  const { item } = useParams();
  const { at } = usePlace();
  const found = useQuery({
    queryKey: ["linking", "review", item],
    queryFn: () => get<View>(`${at}/review/${item}`),
  });
  if (found.isPending) return <Loading page={t("linking.review.title")} />;
  if (found.error)
    return (
      <Failed
        page={t("linking.review.title")}
        error={found.error}
        again={() => found.refetch()}
        what="linking.failed"
      />
    );
  return <Comparison key={found.data.id} of={found.data} />;
}

function Comparison({ of }: { of: View }) {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  const { act, later, next, undo } = useDecisions(of);
  const open = !of.decision;
  useKeys(mayChange, {
    "1": () => open && act.run("use_first"),
    "2": () => open && act.run("use_second"),
    u: () => of.decision && undo.run(),
    n: next,
  });
  const stands = of.first.linked || of.second.linked;
  return (
    <Page title={t(`linking.review.kind.${of.kind}`)} lead={t("linking.review.compareLead")}>
      <Wide label={t("linking.review.caption")} min={560}>
        <Table withTableBorder>
          <Table.Caption>{t("linking.review.caption")}</Table.Caption>
          <Table.Thead>
            <Table.Tr>
              <Table.Td />
              {(["first", "second"] as const).map((side, i) => (
                <Table.Th key={side} scope="col">
                  {t("linking.review.side", { n: i + 1 })}{" "}
                  {of.recommended === `use_${side}` && (
                    <Badge leftSection={<IconStar size={12} aria-hidden="true" />}>
                      {t(`linking.review.recommended.${of.reason}`)}
                    </Badge>
                  )}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Row key={row.name} row={row} first={of.first} second={of.second} />
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
      {(of.first.unread || of.second.unread) && <Text size="sm">{t("linking.review.unread")}</Text>}
      {of.decision && <Text>{t(`linking.review.decided.${of.decision}`)}</Text>}
      {mayChange && (
        <Result of={act.error ? act : later.error ? later : undo} what="linking.review.notDone">
          <Group>
            {open ? (
              <>
                <Button onClick={() => act.run("use_first")} loading={act.busy} rightSection={<Key of="1" />}>
                  {t(choice(of), { n: 1 })}
                </Button>
                <Button onClick={() => act.run("use_second")} rightSection={<Key of="2" />}>
                  {t(choice(of), { n: 2 })}
                </Button>
                <Button variant="default" onClick={() => act.run("leave_unlinked")}>
                  {t("linking.review.leave")}
                </Button>
                {stands && (
                  <Button variant="default" onClick={() => act.run("unlink")}>
                    {t("linking.review.unlink")}
                  </Button>
                )}
                <Button variant="default" onClick={() => later.run()}>
                  {t("linking.review.later")}
                </Button>
              </>
            ) : (
              <Button variant="default" onClick={() => undo.run()} rightSection={<Key of="u" />}>
                {t("common.undo")}
              </Button>
            )}
            <Button variant="subtle" onClick={next} rightSection={<Key of="n" />}>
              {t("linking.review.next")}
            </Button>
          </Group>
        </Result>
      )}
    </Page>
  );
}

const choice = (of: View) =>
  of.kind === "two_profiles" ? "linking.review.useCustomer" : "linking.review.useFriend";

// useDecisions decides, goes on to the next item, and offers to take it back.
function useDecisions(of: View) {
  const { t } = useTranslation();
  const { at, base } = usePlace();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { offer } = useUndo();
  const fresh = () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ["linking"] }),
      client.invalidateQueries({ queryKey: ["friend"] }),
    ]);
  const next = () => navigate(of.next ? `${base}/linking/review/${of.next}` : `${base}/linking/review`);
  const undo = useAction<void, void>(async (_, headers) => {
    await post(`${at}/review/${of.id}/undo`, {}, headers);
    await fresh();
  });
  const act = useAction(async (decision: string, headers) => {
    await post(`${at}/review/${of.id}/decide`, { decision }, headers);
    await fresh();
    offer({
      text: t(`linking.review.decided.${decision}`),
      undo: async () => {
        await post(`${at}/review/${of.id}/undo`);
        await fresh();
        navigate(`${base}/linking/review/${of.id}`);
      },
    });
    next();
  });
  const later = useAction<void, void>(async (_, headers) => {
    await post(`${at}/review/${of.id}/later`, {}, headers);
    await fresh();
    next();
  });
  return { act, later, undo, next };
}

// Key names the single key of a button, unless those are off.
function Key({ of }: { of: string }) {
  const [on] = useLetters();
  return on && <Kbd size="xs">{of}</Kbd>;
}

// useKeys listens for single letters.
function useKeys(on: boolean, keys: Record<string, () => void>) {
  useEffect(() => {
    if (!on) return;
    const listen = (e: KeyboardEvent) => {
      const letter = letterOf(e);
      if (letter) keys[letter]?.();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  });
}

type RowOf = {
  name: string;
  text: (s: Side, t: (key: string) => string) => string;
  at?: (s: Side) => string | null | undefined;
};

const rows: RowOf[] = [
  { name: "friend", text: (s) => s.friend.name },
  { name: "customer", text: (s, t) => (s.gone ? t("linking.review.gone") : (s.name ?? "")) },
  { name: "email", text: (s) => s.email ?? "" },
  { name: "phone", text: (s) => s.phone ?? "" },
  { name: "lastOrder", text: (s) => s.last_order_at ?? "", at: (s) => s.last_order_at },
  { name: "lastSeen", text: (s) => s.last_seen_at ?? "", at: (s) => s.last_seen_at },
  { name: "how", text: (s, t) => t(`linking.method.${s.method}`) },
  { name: "level", text: (s, t) => t(`assurance.${s.assurance}`) },
  { name: "when", text: (s) => s.since ?? "", at: (s) => s.since },
  { name: "now", text: (s, t) => t(s.linked ? "friend.is.linked" : "friend.is.not_linked") },
];

function Row({ row, first, second }: { row: RowOf; first: Side; second: Side }) {
  const { t } = useTranslation();
  const differs = row.text(first, t) !== row.text(second, t);
  return (
    <Table.Tr bg={differs ? "var(--lumo-held-tint)" : undefined}>
      <Table.Th scope="row">
        <Group gap={4} wrap="nowrap">
          {differs && <IconAlertTriangle size={14} aria-label={t("linking.review.differs")} />}
          {t(`linking.review.row.${row.name}`)}
        </Group>
      </Table.Th>
      {[first, second].map((s, i) => (
        <Table.Td key={i === 0 ? "first" : "second"} style={{ overflowWrap: "anywhere" }}>
          {row.at ? <When at={row.at(s)} /> : row.text(s, t) || "-"}
        </Table.Td>
      ))}
    </Table.Tr>
  );
}
