import { Button, Popover, Stack, Text, VisuallyHidden } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconProgress } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useUndo } from "../parts";
import { usePlace } from "../place";
import { RunBox } from "../run/RunBox";
import { isOpen, useRecentRuns } from "../run/useRuns";

// Running is the work of this shop that goes on or just ended, whoever started it, and what can
// still be taken back.
export function Running() {
  const { t } = useTranslation();
  const { channels } = usePlace();
  const [opened, popover] = useDisclosure();
  const runs = useRecentRuns();
  const { kept, drop } = useUndo();
  const all = runs.data ?? [];
  const going = all.filter(isOpen).length;
  if (all.length === 0 && kept.length === 0) return null;
  const account = (id: string) =>
    channels.length > 1 ? (channels.find((c) => c.id === id)?.name ?? "") : undefined;
  const text = going > 0 ? t("running.going", { count: going, n: going }) : t("running.recent");
  return (
    <Popover opened={opened} onChange={popover.toggle} trapFocus withArrow shadow="md" position="bottom-end">
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          onClick={popover.toggle}
          aria-expanded={opened}
          leftSection={<IconProgress size={14} aria-hidden="true" />}
          style={{ flexShrink: 0 }}
        >
          <Text span inherit visibleFrom="md">
            {text}
          </Text>
          <Text span inherit hiddenFrom="md">
            <span aria-hidden="true">{going}</span>
            <VisuallyHidden>{text}</VisuallyHidden>
          </Text>
        </Button>
      </Popover.Target>
      <Popover.Dropdown w={420} maw="calc(100vw - 24px)">
        <Stack gap="md" role="group" aria-label={t("running.title")}>
          {all.map((r) => (
            <div key={r.id}>
              {account(r.channel) && (
                <Text size="xs" c="dimmed">
                  {account(r.channel)}
                </Text>
              )}
              <RunBox of={r} title={t([`run.kind.${r.kind}`, "run.kind.other"])} />
            </div>
          ))}
          {kept.map((u) => (
            <Stack key={u.text} gap={4}>
              <Text size="sm">{u.text}</Text>
              <Button
                size="compact-xs"
                variant="default"
                w="fit-content"
                onClick={() => u.undo().then(() => drop(u))}
              >
                {t("common.undo")}
              </Button>
            </Stack>
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
