import { Button, EmptyState } from "@mantine/core";
import { IconCircleCheck, IconFilterOff, IconInbox } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

type Props = {
  // new: nothing was made yet; filtered: nothing fits; good: nothing is the good news.
  kind: "new" | "filtered" | "good";
  title?: string;
  text?: string;
  action?: ReactNode; // one button
  icon?: ReactNode;
  clear?: () => void; // of the filters
};

// Empty is a list without rows: it always says the next step.
export function Empty({ kind, title, text, action, icon, clear }: Props) {
  const { t } = useTranslation();
  const icons = { new: IconInbox, filtered: IconFilterOff, good: IconCircleCheck };
  const Icon = icons[kind];
  return (
    <EmptyState
      py="lg"
      icon={icon ?? <Icon size={40} stroke={1.5} aria-hidden="true" />}
      title={title ?? (kind === "filtered" ? t("common.noMatch") : undefined)}
      description={text}
    >
      {(action || clear) && (
        <EmptyState.Actions>
          {action}
          {kind === "filtered" && clear && (
            <Button variant="default" onClick={clear}>
              {t("common.clearFilters")}
            </Button>
          )}
        </EmptyState.Actions>
      )}
    </EmptyState>
  );
}
