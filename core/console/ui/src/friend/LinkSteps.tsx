import { Button, List, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, read, type Schema } from "../api";
import { Failed, useAction, When } from "../parts";
import { usePlace } from "../place";
import { useUndoStep } from "./LinkBox";

type Step = Schema<"LinkStepView">;

// useSteps reads the steps of a friend's links, newest first.
export function useSteps(friend: string) {
  const { path } = usePlace();
  return useQuery({
    queryKey: ["friend", friend, "links"],
    queryFn: () =>
      read(
        api.GET("/merchants/{merchant}/channels/{channel}/friends/{friend}/links", {
          params: { path: { ...path, friend } },
        }),
      ),
  });
}

// useWho says by whom a step was made.
export function useWho() {
  const { t } = useTranslation();
  return (s: Step) => (s.by_name ? t("friend.stepByName", { name: s.by_name }) : t(`friend.stepBy.${s.by}`));
}

// LinkSteps is the history of a friend's links: every step, and the way back where there is one.
export function LinkSteps({ friend }: { friend: string }) {
  const { t } = useTranslation();
  const steps = useSteps(friend);
  if (steps.error) return <Failed error={steps.error} again={() => steps.refetch()} what="friend.failed" />;
  if (!steps.data?.items.length) return null;
  return (
    <Stack gap={4}>
      <Title order={3} size="sm">
        {t("friend.linkSteps")}
      </Title>
      <List size="sm" spacing={6} listStyleType="none" withPadding={false}>
        {steps.data.items.map((s) => (
          <List.Item key={s.id}>
            <One of={s} friend={friend} />
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}

function One({ of: s, friend }: { of: Step; friend: string }) {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  const back = useUndoStep(friend);
  const undo = useAction(() => back(s.id));
  const decision = s.data.decision;
  const who = useWho();
  return (
    <Stack gap={0} align="start">
      <Text size="sm">
        {t(`friend.step.${s.step}`)}
        {typeof decision === "string" && `: ${t(`linking.review.decided.${decision}`)}`}
      </Text>
      <Text size="xs" c="dimmed" component="div" style={{ overflowWrap: "anywhere" }}>
        <When at={s.at} /> · {who(s)} · {s.profile_id}
      </Text>
      {s.undone && (
        <Text size="xs" c="dimmed">
          {t("friend.stepUndone")}
        </Text>
      )}
      {s.undoable && mayChange && (
        <Button size="compact-xs" variant="default" loading={undo.busy} onClick={() => undo.run()}>
          {t("friend.undoStep")}
        </Button>
      )}
      {undo.error && <Failed error={undo.error} what="friend.changeFailed" />}
    </Stack>
  );
}
