import { Table } from "@mantine/core";
import type { ReactNode } from "react";

// Wide lets a table scroll sideways by itself below a width, by keys too. What is hidden from the
// eye alone is placed within it, else the whole page would scroll to it.
export function Wide({ label, min, children }: { label: string; min: number; children: ReactNode }) {
  return (
    <Table.ScrollContainer
      minWidth={min}
      type="native"
      pos="relative"
      tabIndex={0}
      role="group"
      aria-label={label}
    >
      {children}
    </Table.ScrollContainer>
  );
}
