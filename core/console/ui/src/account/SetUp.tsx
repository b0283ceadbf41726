import { Button, Card, Center, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { call, type Merchant } from "../api";
import { Failed } from "../parts";

const countries = ["JP", "TW", "TH", "KR", "SG", "HK", "US"];

// SetUp is the first run: what the shop is called and where it is.
export function SetUp({ merchant }: { merchant: Merchant }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState(merchant.name);
  const [country, setCountry] = useState(merchant.country);
  const [error, setError] = useState<Error>();
  const names = new Intl.DisplayNames(i18n.language, { type: "region" });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await call("PATCH", `/merchants/${merchant.id}`, { name, country, language: i18n.language });
      await client.invalidateQueries({ queryKey: ["me"] });
      navigate("/");
    } catch (e) {
      setError(e as Error);
    }
  };
  return (
    <Center mih="100vh" p="md" component="main">
      <Card withBorder w={420} p="xl" component="form" onSubmit={submit}>
        <Stack>
          <Title order={1} size="h3">
            {t("account.setUp.title")}
          </Title>
          <Text size="sm" c="dimmed">
            {t("account.setUp.why")}
          </Text>
          {error && <Failed error={error} what="account.setUp.failed" />}
          <TextInput
            label={t("account.setUp.name")}
            required
            maxLength={80}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
          />
          <Select
            label={t("account.setUp.country")}
            data={countries.map((c) => ({ value: c, label: names.of(c) ?? c }))}
            value={country}
            onChange={(v) => v && setCountry(v)}
            allowDeselect={false}
          />
          <Button type="submit">{t("account.setUp.submit")}</Button>
        </Stack>
      </Card>
    </Center>
  );
}
