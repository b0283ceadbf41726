import { Group, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

type Props = {
  title: string;
  lead?: ReactNode; // first line: what this is, or the time zone
  state?: ReactNode;
  actions?: ReactNode; // second ones first, the main one last
  children: ReactNode;
};

// Page is a screen below the frame: its one h1, its actions, its content.
export function Page({ title, lead, state, actions, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Lumo`;
  }, [title]);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="start">
        <div>
          <Group gap="sm">
            <Title order={1}>{title}</Title>
            {state}
          </Group>
          {lead && (
            <Text size="sm" c="dimmed" component="div">
              {lead}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

// Section is a titled part of a page.
export function Section({ title, actions, children }: Omit<Props, "lead" | "state">) {
  return (
    <Stack component="section" gap="sm" aria-label={title}>
      <Group justify="space-between">
        <Title order={2}>{title}</Title>
        {actions}
      </Group>
      {children}
    </Stack>
  );
}
