import { Table } from "@mantine/core";
import type { ReactNode } from "react";

// Wide lets a table scroll sideways by itself below a width, by keys too.
export function Wide({ label, min, children }: { label: string; min: number; children: ReactNode }) {
  return (
    <Table.ScrollContainer minWidth={min} type="native" tabIndex={0} role="group" aria-label={label}>
      {children}
    </Table.ScrollContainer>
  );
}
