import { Button, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import type { ReactNode } from "react";

// Fold holds what few people look at: it is made when somebody opens it.
export function Fold({ title, children }: { title: string; children: ReactNode }) {
  const [opened, fold] = useDisclosure();
  const Icon = opened ? IconChevronDown : IconChevronRight;
  return (
    <Stack gap="xs">
      <Button
        variant="subtle"
        w="fit-content"
        px="xs"
        onClick={fold.toggle}
        aria-expanded={opened}
        leftSection={<Icon size={16} aria-hidden="true" />}
      >
        {title}
      </Button>
      {opened && children}
    </Stack>
  );
}
