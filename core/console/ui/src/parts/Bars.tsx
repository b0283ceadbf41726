import { Group, Stack, Text } from "@mantine/core";

export type BarOf = { name: string; n?: number; text: string };

// Bars are numbers one below the other, each with a bar as long as it is large. A number that is
// not known has none.
export function Bars({ of }: { of: BarOf[] }) {
  const most = Math.max(1, ...of.map((b) => b.n ?? 0));
  return (
    <Stack gap={4} component="ul" p={0} m={0} style={{ listStyle: "none" }}>
      {of.map((b) => (
        <li key={b.name}>
          <Group justify="space-between">
            <Text size="sm">{b.name}</Text>
            <Text size="sm">{b.text}</Text>
          </Group>
          <Bar n={b.n ?? 0} most={most} />
        </li>
      ))}
    </Stack>
  );
}

// Bar is a number as a length. The number stands beside it.
export function Bar({ n, most }: { n: number; most: number }) {
  return (
    <div aria-hidden="true" style={{ background: "var(--lumo-line)", borderRadius: 4, height: 8 }}>
      <div
        style={{
          background: "var(--lumo-chart-1)",
          borderRadius: 4,
          height: 8,
          width: `${(100 * n) / most}%`,
        }}
      />
    </div>
  );
}
