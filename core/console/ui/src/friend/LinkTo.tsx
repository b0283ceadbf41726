import { Button, Card, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type FriendDetail, read, type Schema } from "../api";
import { Failed, useAction, useUndo } from "../parts";
import { usePlace } from "../place";
import { useUndoStep } from "./LinkBox";

const channel = "/merchants/{merchant}/channels/{channel}" as const;

type Props = { of: FriendDetail; opened: boolean; close: () => void; toReview: () => void };

// LinkTo finds the customer whom a friend is, by something exact, and links the two.
export function LinkTo({ of, opened, close, toReview }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t("friend.linkTitle", { name: of.name || t("friend.noName") })}
    >
      <Find of={of} close={close} toReview={toReview} />
    </Modal>
  );
}

function Find({ of: f, close, toReview }: Omit<Props, "opened">) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const [text, setText] = useState("");
  const find = useAction(async (_: undefined, headers) =>
    read(api.POST(`${channel}/customers/find`, { params: { path }, body: { text: text.trim() }, headers })),
  );
  return (
    <Stack component="form" onSubmit={(e) => e.preventDefault()}>
      <TextInput
        label={t("friend.customerBy")}
        description={t("friend.customerByHelp")}
        value={text}
        autoComplete="off"
        data-autofocus
        onChange={(e) => {
          setText(e.currentTarget.value);
          find.clear();
        }}
      />
      <Group justify="end">
        <Button type="button" variant="default" onClick={close}>
          {t("common.back")}
        </Button>
        <Button
          type="button"
          variant={find.result ? "default" : "filled"}
          loading={find.busy}
          disabled={text.trim() === ""}
          onClick={() => find.run(undefined)}
        >
          {t("friend.findCustomer")}
        </Button>
      </Group>
      {find.error && <Failed error={find.error} what="friend.customerNotFound" />}
      {find.result && <Found of={f} customer={find.result} close={close} toReview={toReview} />}
    </Stack>
  );
}

type FoundProps = Omit<Props, "opened"> & { customer: Schema<"CustomerView"> };

// Found shows who the customer is, and whom they are linked to already.
function Found({ of: f, customer: c, close, toReview }: FoundProps) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const client = useQueryClient();
  const { offer } = useUndo();
  const undoStep = useUndoStep(f.id);
  const name = c.name || c.email || c.phone || c.profile_id;
  const link = useAction(async (_: undefined, headers) => {
    const made = await read(
      api.POST(`${channel}/friends/{friend}/link`, {
        params: { path: { ...path, friend: f.id } },
        body: { profile_id: c.profile_id },
        headers,
      }),
    );
    await client.invalidateQueries({ queryKey: ["friend"] });
    if (made.in_review) toReview();
    if (made.step) {
      const step = made.step;
      offer({ text: t("friend.linkedTo", { name }), undo: () => undoStep(step) });
    }
    close();
    return made;
  });
  return (
    <Card withBorder component="section" aria-label={t("friend.found")}>
      <Stack gap="xs">
        <Text fw={600}>{name}</Text>
        {[c.email, c.phone, c.profile_id].filter(Boolean).map((line) => (
          <Text key={line} size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {line}
          </Text>
        ))}
        {c.friend && (
          <Text size="sm">{t("friend.customerTaken", { name: c.friend.name || t("friend.noName") })}</Text>
        )}
        <Button w="fit-content" loading={link.busy} onClick={() => link.run(undefined)}>
          {t(c.friend ? "friend.askReview" : "friend.linkDo")}
        </Button>
        {link.error && <Failed error={link.error} what="friend.notLinkedNow" />}
      </Stack>
    </Card>
  );
}
