import { Button, Card, Center, Group, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, type Merchant, read } from "../api";
import { Failed, fieldError, Loading, useAction } from "../parts";
import { Languages } from "./Languages";

// Languages that customers' pages exist in.
const languages = ["ja", "en", "zh-TW", "th"];

// SetUp is the first run: what the shop is called and where it is. The country brings phone format,
// currency and time zone; the latter two can be others.
export function SetUp({ merchant }: { merchant: Merchant }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const known = useQuery({ queryKey: ["countries"], queryFn: () => read(api.GET("/countries")) });
  const [name, setName] = useState(merchant.name);
  const [country, setCountry] = useState(merchant.country);
  const [currency, setCurrency] = useState(merchant.currency);
  const [zone, setZone] = useState(merchant.time_zone);
  const [language, setLanguage] = useState(merchant.set_up ? merchant.language : i18n.language);
  const save = useAction(async () => {
    await read(
      api.PATCH("/merchants/{merchant}", {
        params: { path: { merchant: merchant.id } },
        body: { name, country, currency, time_zone: zone, language },
      }),
    );
    await client.invalidateQueries({ queryKey: ["me"] });
    navigate("/");
  });
  if (known.isPending) return <Loading />;
  if (known.error)
    return <Failed error={known.error} again={() => known.refetch()} what="account.setUp.loadFailed" />;
  const regions = new Intl.DisplayNames(i18n.language, { type: "region" });
  const money = new Intl.DisplayNames(i18n.language, { type: "currency" });
  const speech = new Intl.DisplayNames(i18n.language, { type: "language" });
  const chosen = known.data.items.find((c) => c.code === country);
  const choose = (code: string | null) => {
    const found = known.data.items.find((c) => c.code === code);
    if (!found) return;
    setCountry(found.code);
    setCurrency(found.currency);
    setZone(found.time_zone);
  };
  const currencies = [
    ...new Set([currency, ...known.data.items.map((c) => c.currency), "EUR", "GBP", "AUD"]),
  ];
  const zones = [...new Set([zone, ...Intl.supportedValuesOf("timeZone")])];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void save.run(undefined);
  };
  const inField = ["name", "country", "currency", "time_zone", "language"].some((f) =>
    fieldError(save.error, f),
  );
  return (
    <Center mih="100vh" p="md" component="main">
      <Card withBorder w={460} maw="100%" p="xl" component="form" onSubmit={submit}>
        <Stack>
          <Group justify="space-between" align="start">
            <Title order={1} size="h3">
              {t("account.setUp.title")}
            </Title>
            <Languages />
          </Group>
          <Text size="sm" c="dimmed">
            {t("account.setUp.why")}
          </Text>
          {save.error && !inField && <Failed error={save.error} what="account.setUp.failed" />}
          <TextInput
            label={t("account.setUp.name")}
            required
            maxLength={80}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            error={fieldError(save.error, "name")}
          />
          <Select
            label={t("account.setUp.country")}
            description={chosen && t("account.setUp.phone", { phone: chosen.phone, calling: chosen.calling })}
            data={known.data.items.map((c) => ({ value: c.code, label: regions.of(c.code) ?? c.code }))}
            value={country}
            onChange={choose}
            allowDeselect={false}
            error={fieldError(save.error, "country")}
          />
          <Group grow align="start">
            <Select
              label={t("account.setUp.currency")}
              data={currencies.map((c) => ({ value: c, label: `${c} · ${money.of(c) ?? c}` }))}
              value={currency}
              onChange={(v) => v && setCurrency(v)}
              allowDeselect={false}
              searchable
              error={fieldError(save.error, "currency")}
            />
            <Select
              label={t("account.setUp.zone")}
              data={zones}
              value={zone}
              onChange={(v) => v && setZone(v)}
              allowDeselect={false}
              searchable
              limit={50}
              error={fieldError(save.error, "time_zone")}
            />
          </Group>
          <Select
            label={t("account.setUp.language")}
            description={t("account.setUp.languageWhy")}
            data={languages.map((l) => ({ value: l, label: speech.of(l) ?? l }))}
            value={language}
            onChange={(v) => v && setLanguage(v)}
            allowDeselect={false}
            error={fieldError(save.error, "language")}
          />
          <Button type="submit" loading={save.busy}>
            {t("account.setUp.submit")}
          </Button>
        </Stack>
      </Card>
    </Center>
  );
}
