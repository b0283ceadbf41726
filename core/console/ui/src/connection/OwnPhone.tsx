import { Alert, Anchor, Button, Group, Image, Stack, Text, TextInput } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { type Channel, get, type Home } from "../api";
import { CopyField, fieldError, Result } from "../parts";
import { account, usePlace } from "../place";
import { Preflight, rowOf, usePreflight } from "./Preflight";
import { useOwnPhone } from "./useOwnPhone";

const look = 3000; // ms, beside the live message of the link

type Step = Home["checklist"][number] & { name?: string };

// OwnPhone is the last step: a scan with one's own phone proves that all of it works. Whom it
// links is the member's own customer, and becomes a test friend.
export function OwnPhone({ of }: { of: Channel }) {
  const { t } = useTranslation();
  const { merchant, shop } = usePlace();
  const at = `/merchants/${merchant.id}/channels/${of.id}`;
  const home = useQuery({
    queryKey: ["home", of.id],
    queryFn: () => get<Home>(`${at}/home`),
    refetchInterval: look,
  });
  const step: Step | undefined = home.data?.checklist.find((s) => s.step === "link_yourself");
  const provider = rowOf(usePreflight(of.id).data, "provider")?.state;
  const rows = <Preflight channel={of.id} only={["provider", "callback", "login_joined"]} />;
  return (
    <Stack>
      {provider === "bad" && rows}
      {step?.done && provider !== "bad" && (
        <Alert color="teal" variant="light" role="status" icon={<IconCheck aria-hidden="true" />}>
          <Text fw={600}>{t("connection.own.linked", { name: step.name || t("common.noName") })}</Text>
          <Text size="sm">{t("connection.own.tester")}</Text>
        </Alert>
      )}
      {(!step?.done || provider !== "good") &&
        (of.klaviyo_connected ? (
          <Code of={of} />
        ) : (
          <Stack gap="xs">
            <Text>{t("connection.own.withoutKlaviyo")}</Text>
            <Button component={Link} to={`${shop}/settings/klaviyo`} w="fit-content">
              {t("connection.klaviyo.connect")}
            </Button>
          </Stack>
        ))}
      {provider !== "bad" && rows}
      {step?.done && (
        <Button component={Link} to={`${shop}/oa/${account(of)}`} w="fit-content">
          {t("connection.line.home")}
        </Button>
      )}
    </Stack>
  );
}

// Code is the QR code of a member: it links whoever scans it to the customer with her email.
function Code({ of }: { of: Channel }) {
  const { t } = useTranslation();
  const { email, type, show, own, image } = useOwnPhone(of.id, t("connection.own.name"));
  return (
    <Stack>
      <Text>{t("connection.own.what", { name: of.name })}</Text>
      <TextInput
        label={t("connection.own.email")}
        type="email"
        maw={420}
        value={email}
        onChange={(e) => type(e.currentTarget.value)}
        error={fieldError(show.error, "email")}
      />
      <Result of={{ ...show, doneAt: undefined }} what="connection.own.failed">
        <Button onClick={() => show.run(undefined)} loading={show.busy} disabled={!email}>
          {t("connection.own.show")}
        </Button>
      </Result>
      {own && (
        <Group align="start" wrap="wrap">
          <Image src={image} alt={t("connection.own.qr")} w={220} h={220} />
          <Stack gap="xs" style={{ flex: "1 1 240px", minWidth: 0 }}>
            <Text role="status">{t("connection.own.scan")}</Text>
            <CopyField label={t("connection.own.address")} value={own.url} />
            <Anchor href={own.url} target="_blank" rel="noreferrer" size="sm">
              {t("connection.own.here")}
            </Anchor>
          </Stack>
        </Group>
      )}
    </Stack>
  );
}
