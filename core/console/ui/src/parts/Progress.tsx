import { Group, Stack, Text, VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Tone } from "../theme";
import { left } from "./format";
import style from "./parts.module.css";
import { State } from "./State";
import { useFormat } from "./useFormat";

export type Work = {
  state: string; // of runState
  done: number;
  total?: number; // undefined while it is being counted
  problems?: number;
  // parts of the bar by state; without them done is one part.
  parts?: { tone: Tone; n: number; label: string }[];
  perSecond?: number; // of the last 30 s
  waitingFor?: string; // sentence: instead of a growing number
  startedBy?: string;
};

// LongWork is progress, the same wherever work takes long: survives reload, shown to all.
export function LongWork({ title, of, actions }: { title: string; of: Work; actions?: ReactNode }) {
  const { t } = useTranslation();
  const { count, perSecond } = useFormat();
  const parts = of.parts ?? [{ tone: "good" as const, n: of.done, label: t("runState.done") }];
  const running = of.state === "running";
  const remaining =
    running && of.total && of.perSecond ? left((of.total - of.done) / of.perSecond) : undefined;
  return (
    <Stack gap={6} role="group" aria-label={title}>
      <Group justify="space-between">
        <Group gap="xs">
          <Text fw={600}>{title}</Text>
          <State
            of={of.state}
            words="runState"
            values={{ count: of.problems ?? 0, n: count(of.problems ?? 0) }}
          />
        </Group>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      <div className={style.segments} aria-hidden="true">
        {of.total
          ? parts.map((p) => (
              <div
                key={p.label}
                style={{ width: `${(p.n / (of.total ?? 1)) * 100}%`, background: `var(--lumo-${p.tone})` }}
              />
            ))
          : null}
      </div>
      <VisuallyHidden>
        <progress value={of.total ? of.done : undefined} max={of.total || undefined} aria-label={title} />
      </VisuallyHidden>
      <Group gap="md">
        {of.total !== undefined ? (
          <Text size="sm">{t("common.doneOf", { done: count(of.done), total: count(of.total) })}</Text>
        ) : (
          running && <Text size="sm">{t("common.countingPeople")}</Text>
        )}
        {running && of.perSecond ? <Text size="sm">{perSecond(of.perSecond)}</Text> : null}
        {of.waitingFor ? (
          <Text size="sm">{of.waitingFor}</Text>
        ) : (
          remaining && <Text size="sm">{t(`common.left.${remaining.unit}`, { n: count(remaining.n) })}</Text>
        )}
        {of.startedBy && (
          <Text size="sm" c="dimmed">
            {t("common.startedBy", { name: of.startedBy })}
          </Text>
        )}
        {of.problems ? (
          <Text size="sm">{t("common.problems", { count: of.problems, n: count(of.problems) })}</Text>
        ) : null}
      </Group>
    </Stack>
  );
}
