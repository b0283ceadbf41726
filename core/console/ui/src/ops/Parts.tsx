import { Alert, Card, Group, Text } from "@mantine/core";
import { IconWifiOff } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Failed, Loading, useFormat } from "../parts";
import style from "../parts/parts.module.css";

type Asked<T> = {
  data?: T;
  error: Error | null;
  isPending: boolean;
  dataUpdatedAt: number;
  refetch: () => unknown;
};

type Props<T> = { of: Asked<T>; failed: string; children: (data: T) => ReactNode };

// Fresh shows what was read last. When the core stops answering it says of which time it is.
export function Fresh<T>({ of, failed, children }: Props<T>) {
  if (of.isPending) return <Loading shape="cards" />;
  if (of.data === undefined)
    return <Failed error={of.error ?? new Error()} again={of.refetch} what={failed} />;
  return (
    <>
      {of.error && <Paused at={of.dataUpdatedAt} />}
      <div className={of.error ? style.old : undefined} style={{ display: "contents" }}>
        {children(of.data)}
      </div>
    </>
  );
}

// Paused says since when the numbers stand still.
export function Paused({ at }: { at: number }) {
  const { t } = useTranslation();
  const { time } = useFormat();
  return (
    <Alert color="yellow" variant="light" icon={<IconWifiOff stroke={1.5} />} role="status">
      <Text size="sm">{t("live.off", { time: time(new Date(at), true) })}</Text>
    </Alert>
  );
}

// Fact is a name and a value in a card.
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Group justify="space-between" wrap="nowrap" gap="md">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text size="sm" component="div" ta="right">
        {children}
      </Text>
    </Group>
  );
}

// Refused says why an edge does not run the newest modules, and what exactly happened there.
export function Refused({ reason, detail }: { reason?: string; detail?: string }) {
  const { t } = useTranslation();
  return (
    <>
      <Text size="sm">
        {t(`ops.refusal.${reason || "other"}`)} {t("ops.refusal.stays")}
      </Text>
      {detail && (
        <Text size="xs" style={{ overflowWrap: "anywhere" }}>
          {t("ops.refusal.details", { detail })}
        </Text>
      )}
    </>
  );
}

// Tile is a number with its name.
export function Tile({ name, n, more }: { name: string; n: ReactNode; more?: ReactNode }) {
  return (
    <Card>
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text fz={28} fw={600} lh={1.3} style={{ fontVariantNumeric: "tabular-nums" }}>
        {n}
      </Text>
      {more && (
        <Text size="sm" c="dimmed" component="div">
          {more}
        </Text>
      )}
    </Card>
  );
}
