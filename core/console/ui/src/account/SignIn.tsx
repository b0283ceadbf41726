import {
  Alert,
  Button,
  Card,
  Center,
  PasswordInput,
  SegmentedControl,
  Stack,
  TextInput,
  Title,
} from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, post } from "../api";
import { setLanguage } from "../i18n";

// SignIn is the way in: one sentence for all causes of a refusal.
export function SignIn() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await post("/sign_in", { email, password });
      await client.invalidateQueries({ queryKey: ["me"] });
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  const problemOf = (error: unknown) => {
    if (error instanceof ApiError && error.status === 401) return t("account.signIn.wrong");
    if (error instanceof ApiError && error.status === 429) return t("account.signIn.tooMany");
    return t("common.unreachable");
  };
  return (
    <Center mih="100vh" p="md" component="main">
      <Card withBorder w={380} p="xl" component="form" onSubmit={submit}>
        <Stack>
          <Title order={1} size="h3">
            {t("account.signIn.title")}
          </Title>
          {problem && (
            <Alert color="red" variant="light" role="alert">
              {problem}
            </Alert>
          )}
          <TextInput
            label={t("account.signIn.email")}
            type="email"
            autoComplete="username"
            required
            value={email}
            onChange={(e) => setEmail(e.currentTarget.value)}
          />
          <PasswordInput
            label={t("account.signIn.password")}
            autoComplete="current-password"
            required
            value={password}
            onChange={(e) => setPassword(e.currentTarget.value)}
          />
          <Button type="submit" loading={busy}>
            {t("account.signIn.submit")}
          </Button>
          <SegmentedControl
            aria-label={t("account.language")}
            value={i18n.language}
            onChange={setLanguage}
            data={[
              { value: "en", label: "English" },
              { value: "ja", label: "日本語" },
            ]}
          />
        </Stack>
      </Card>
    </Center>
  );
}
