import { Box, Group, Stack, Text } from "@mantine/core";
import { BulletChart } from "./Chart";
import { useFormat } from "./useFormat";

// Mark is one of a bullet chart's marks: where it stands, and what the number is that is said
// of it, if it is another one.
export type Mark = { name: string; color: string; at: number; n?: number };

type Props = { bar: Mark; target?: Mark; bands: Mark[] };

// Bullet is a bar on bands, with a line for a goal or forecast. What each is stands below, so
// that no number covers another where they lie close.
export function Bullet({ bar, target, bands }: Props) {
  return (
    <Stack gap="xs">
      <BulletChart
        styles={{ rangeLabel: nowhere, barLabel: nowhere, targetLabel: nowhere }}
        value={bar.at}
        target={target?.at}
        barColor={bar.color}
        targetColor={target?.color}
        ranges={bands.map((b) => ({ value: b.at, color: b.color }))}
      />
      <Group gap="md">
        <Said of={bar} w={12} />
        {bands.map((b) => (
          <Said key={b.name} of={b} w={12} />
        ))}
        {target && <Said of={target} w={3} />}
      </Group>
    </Stack>
  );
}

const nowhere = { display: "none" };

function Said({ of, w }: { of: Mark; w: number }) {
  const { count } = useFormat();
  return (
    <Group gap={6} wrap="nowrap">
      <Box w={w} h={12} bg={of.color} style={{ outline: "1px solid var(--lumo-border)", borderRadius: 2 }} />
      <Text size="sm">
        {of.name} <b>{count(of.n ?? of.at)}</b>
      </Text>
    </Group>
  );
}
