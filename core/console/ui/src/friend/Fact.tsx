import { Text } from "@mantine/core";
import type { ReactNode } from "react";

// Fact is one line of a card: what it is, and below it what is so.
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text size="sm" component="div">
        {children}
      </Text>
    </div>
  );
}
