import { Button, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, onSessionEnd, read } from "../api";
import { Failed, useAction } from "../parts";

// SessionEnd lets a member sign in again over the page, so that nothing typed is lost.
export function SessionEnd({ email }: { email?: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [ended, setEnded] = useState(false);
  const [password, setPassword] = useState("");
  useEffect(() => onSessionEnd(() => setEnded(true)), []);
  const enter = useAction(async () => {
    await read(api.POST("/sign_in", { body: { email: email ?? "", password } }));
    setPassword("");
    setEnded(false);
    await client.invalidateQueries();
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.run();
  };
  return (
    <Modal
      opened={ended}
      onClose={() => {}}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={t("session.ended")}
    >
      <Stack component="form" onSubmit={submit}>
        <Text size="sm">{t("session.draft")}</Text>
        {enter.error && <Failed error={enter.error} what="account.signIn.failed" />}
        <PasswordInput
          label={`${t("account.signIn.password")} (${email ?? ""})`}
          value={password}
          onChange={(e) => setPassword(e.currentTarget.value)}
          autoComplete="current-password"
          data-autofocus
        />
        <Button type="submit" loading={enter.busy}>
          {t("account.signIn.submit")}
        </Button>
      </Stack>
    </Modal>
  );
}
