import { Button, Popover, Stack } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconPlayerStopFilled } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { phone } from "../parts";

type Props = {
  label: string;
  opened: boolean;
  toggle: () => void;
  close: () => void;
  width?: number; // of what it opens, at most
  children: ReactNode; // what can be stopped
};

// StopPopover is the stop button with what it opens, on every screen; on phones it stands fixed
// at the lower right.
export function StopPopover({ label, opened, toggle, close, width, children }: Props) {
  const { t } = useTranslation();
  const small = useMediaQuery(phone);
  return (
    <Popover opened={opened} onChange={toggle} trapFocus withArrow shadow="md" position="bottom-end">
      <Popover.Target>
        <Button
          color="red"
          variant="outline"
          size="xs"
          onClick={toggle}
          aria-expanded={opened}
          leftSection={<IconPlayerStopFilled size={14} aria-hidden="true" />}
          style={small ? fixed : { flexShrink: 0 }}
        >
          {label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown maw={width}>
        <Stack gap="xs">
          {children}
          <Button variant="subtle" onClick={close}>
            {t("common.back")}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

const fixed = {
  position: "fixed",
  right: 12,
  bottom: 12,
  zIndex: 150,
  minHeight: 44,
  background: "var(--lumo-card)",
} as const;
