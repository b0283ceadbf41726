import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Action } from "./action";
import { Failed } from "./Failed";

type Props = {
  opened: boolean;
  close: () => void;
  title: string;
  children: ReactNode; // what will happen, and to how many
  verb: string; // the button: verb, object, number; never "OK"
  action: Action<void, unknown>;
  failed: string; // sentence when it did not happen
  danger?: boolean;
  ready?: boolean; // false = there is nothing to do, or not known yet
  // type asks to type a name or number first: the last step of the ladder.
  type?: { label: string; expected: string };
  size?: string;
};

// Confirm asks before what cannot be undone. The safe button has the focus.
export function Confirm(props: Props) {
  const { opened, close, title } = props;
  return (
    <Modal opened={opened} onClose={close} title={title} size={props.size}>
      <Body {...props} />
    </Modal>
  );
}

function Body({ close, children, verb, action, failed, danger, ready = true, type }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const right = ready && (!type || typed.trim() === type.expected.trim());
  const go = async () => {
    if (!right) return;
    await action.run();
  };
  const still = (event: FormEvent) => event.preventDefault(); // Enter in the field starts nothing
  return (
    <Stack component="form" onSubmit={still}>
      <Text size="md" component="div">
        {children}
      </Text>
      {type && (
        <TextInput
          label={type.label}
          value={typed}
          onChange={(e) => setTyped(e.currentTarget.value)}
          autoComplete="off"
        />
      )}
      {action.error && <Failed error={action.error} what={failed} />}
      {action.lost && (
        <Text size="sm" role="status">
          {t("common.checking")}
        </Text>
      )}
      <Group justify="end">
        <Button type="button" variant="default" onClick={close} data-autofocus>
          {t("common.back")}
        </Button>
        <Button
          type="button"
          color={danger || type ? "red" : undefined}
          onClick={go}
          loading={action.busy}
          disabled={!right}
        >
          {verb}
        </Button>
      </Group>
    </Stack>
  );
}
