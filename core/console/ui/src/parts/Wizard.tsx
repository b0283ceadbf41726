import { Button, Group, Stack, Stepper } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { phone } from "./Table";

export type WizardStep = {
  id: string; // in the address: ?step=
  title: string;
  done: boolean; // by what the server knows, so that another member can go on
  content: ReactNode;
  open?: boolean; // whether it can be opened yet; default yes
};

// useStep reads and sets the step in the address; the first that is not done is where one goes on.
export function useStep(steps: { id: string; done: boolean }[]) {
  const [params, setParams] = useSearchParams();
  const asked = steps.findIndex((s) => s.id === params.get("step"));
  const todo = steps.findIndex((s) => !s.done);
  const at = asked >= 0 ? asked : todo >= 0 ? todo : Math.max(steps.length - 1, 0);
  const go = (id: string) =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      next.set("step", id);
      return next;
    });
  return { at, go };
}

// Wizard goes step by step; each has an address and can be left and taken up again.
export function Wizard({ steps, label }: { steps: WizardStep[]; label: string }) {
  const { at, go } = useStep(steps);
  const small = useMediaQuery(phone);
  const current = steps[at];
  return (
    <Stack role="group" aria-label={label}>
      <Stepper
        active={at}
        onStepClick={(n) => steps[n] && go(steps[n].id)}
        size="sm"
        orientation={small ? "vertical" : "horizontal"}
        allowNextStepsSelect={false}
      >
        {steps.map((s, n) => (
          <Stepper.Step
            key={s.id}
            label={s.title}
            allowStepSelect={s.open ?? true}
            color={s.done ? undefined : "gray"}
            state={n === at ? "stepProgress" : s.done ? "stepCompleted" : "stepInactive"}
            aria-current={n === at ? "step" : undefined}
          />
        ))}
      </Stepper>
      {current && (
        <section aria-label={current.title} key={current.id}>
          {current.content}
        </section>
      )}
    </Stack>
  );
}

type MoveProps = { back?: () => void; next?: () => void; nextLabel?: string; disabled?: boolean };

// Moves are the buttons below a step.
export function Moves({ back, next, nextLabel, disabled }: MoveProps) {
  const { t } = useTranslation();
  return (
    <Group>
      {back && (
        <Button variant="default" onClick={back}>
          {t("common.back")}
        </Button>
      )}
      {next && (
        <Button onClick={next} disabled={disabled}>
          {nextLabel ?? t("common.goOn")}
        </Button>
      )}
    </Group>
  );
}
