import { Button, ColorSwatch, Group, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Channel, read } from "../api";
import { CopyField, fieldError, Result, Section, useAction } from "../parts";
import { usePlace } from "../place";
import { type Ring, rings } from "../theme";

type Change = { ring?: Ring; opens_measured?: boolean; shop_url?: string };

// useChange changes what a member decides about an account.
function useChange(channel: string) {
  const { merchant } = usePlace();
  const client = useQueryClient();
  return useAction(async (body: Change, headers) => {
    await read(
      api.PATCH("/merchants/{merchant}/channels/{channel}", {
        params: { path: { merchant: merchant.id, channel } },
        body,
        headers,
      }),
    );
    // Not waited for: what is shown may be chosen anew at once.
    void client.invalidateQueries({ queryKey: ["connection"] });
  });
}

// Opens asks whether openings are measured, and gives the text that tells people so.
export function Opens({ of }: { of: Channel }) {
  const { t } = useTranslation();
  const change = useChange(of.id);
  return (
    <Section title={t("connection.opens.title")}>
      <Result of={change} what="connection.notSaved">
        <Radio.Group
          label={t("connection.opens.why")}
          value={of.opens_measured ? "on" : "off"}
          onChange={(v) => change.run({ opens_measured: v === "on" })}
        >
          <Stack gap="xs" mt="xs">
            <Radio value="on" label={t("connection.opens.on")} />
            <Radio value="off" label={t("connection.opens.off")} />
          </Stack>
        </Radio.Group>
      </Result>
      {of.opens_measured && (
        <CopyField
          label={t("tracking.disclosureLabel")}
          value={t("tracking.disclosure", { name: of.name })}
        />
      )}
    </Section>
  );
}

// Colour chooses what tells the account from the shop's others, on every screen.
export function Colour({ of }: { of: Channel }) {
  const { t } = useTranslation();
  const change = useChange(of.id);
  return (
    <Section title={t("connection.ring.title")}>
      <Text size="sm">{t("connection.ring.why")}</Text>
      <Result of={change} what="connection.notSaved">
        <Radio.Group
          aria-label={t("connection.ring.title")}
          value={of.ring}
          onChange={(v) => change.run({ ring: v as Ring })}
        >
          <Group gap="md">
            {Object.entries(rings).map(([name, colour]) => (
              <Radio
                key={name}
                value={name}
                label={
                  <Group gap={6} wrap="nowrap" component="span">
                    <ColorSwatch color={colour} size={16} component="span" aria-hidden="true" />
                    {t(`connection.ring.${name}`)}
                  </Group>
                }
              />
            ))}
          </Group>
        </Radio.Group>
      </Result>
    </Section>
  );
}

// Shop asks where the shop is: pages that lead nowhere else lead there.
export function Shop({ of }: { of: Channel }) {
  const { t } = useTranslation();
  const change = useChange(of.id);
  const [address, setAddress] = useState(of.shop_url);
  useEffect(() => setAddress(of.shop_url), [of.shop_url]); // as it was kept
  return (
    <Section title={t("connection.shop.title")}>
      <Result of={change} what="connection.notSaved" done="connection.shop.saved">
        <TextInput
          label={t("connection.shop.label")}
          description={t("connection.shop.why")}
          placeholder="https://shop.example"
          type="url"
          value={address}
          error={fieldError(change.error, "shop_url")}
          onChange={(e) => setAddress(e.currentTarget.value)}
          maw={480}
        />
        <Button
          variant="default"
          onClick={() => change.run({ shop_url: address })}
          loading={change.busy}
          disabled={address === of.shop_url}
        >
          {t("connection.shop.save")}
        </Button>
      </Result>
    </Section>
  );
}
