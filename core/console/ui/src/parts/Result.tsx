import { Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Action } from "./action";
import { Failed } from "./Failed";
import { useFormat } from "./useFormat";

type Props = {
  of: Pick<Action<never, unknown>, "busy" | "lost" | "error" | "doneAt">;
  what: string; // sentence when it failed
  done?: string; // key of a text with {time}
  labels?: Record<string, string>;
  children: ReactNode; // the button
};

// Result stands beside the button: saved when, not known yet, or what went wrong.
export function Result({ of, what, done = "common.savedAt", labels, children }: Props) {
  const { t } = useTranslation();
  const { time } = useFormat();
  return (
    <>
      <Group gap="sm">
        {children}
        <Text size="sm" role="status">
          {of.lost ? t("common.checking") : of.doneAt && !of.busy ? t(done, { time: time(of.doneAt) }) : ""}
        </Text>
      </Group>
      {of.error && <Failed error={of.error} what={what} labels={labels} />}
    </>
  );
}
