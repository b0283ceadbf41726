import { Card, List, SimpleGrid, Stack } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import type { Channel } from "../api";
import { CopyField, Moves, Page, State, Wizard } from "../parts";
import { usePlace } from "../place";
import { ChangeKeys, type Field, LoginKeys, MessagingKeys, noKeys } from "./Keys";
import { Colour, Opens, Shop } from "./Look";
import { OwnPhone } from "./OwnPhone";
import { Preflight } from "./Preflight";
import { LoginPlace, MessagingPlace } from "./pictures";
import { Webhook } from "./Webhook";

const later = ["webhook", "preflight", "scan"]; // steps of an account that is connected

// LineWizard connects a LINE account: keys, whose they are, events, preflight, own phone.
export function LineWizard() {
  const { t } = useTranslation();
  const { channels, channel } = usePlace();
  const [params, setParams] = useSearchParams();
  const [values, setValues] = useState(noKeys);
  const named = params.get("account");
  const asked = params.get("step") ?? "";
  const made = channels.find((c) => c.id === named) ?? (later.includes(asked) ? channel : undefined);
  const go = (step: string, to = made?.id) => setParams(to ? { step, account: to } : { step });
  const set = (name: Field, value: string) => setValues((old) => ({ ...old, [name]: value }));
  const steps = [
    {
      id: "need",
      title: t("connection.line.step.need"),
      done: !!made,
      content: <Need next={() => go("messaging")} />,
    },
    {
      id: "messaging",
      title: t("connection.line.step.messaging"),
      done: !!made,
      content: made ? (
        <ChangeKeys key={made.id} of={made} part="messaging" />
      ) : (
        <MessagingKeys values={values} set={set} next={() => go("login")} />
      ),
    },
    {
      id: "login",
      title: t("connection.line.step.login"),
      done: !!made,
      content: made ? (
        <ChangeKeys key={made.id} of={made} part="login" />
      ) : (
        <LoginKeys values={values} set={set} next={(c) => go("webhook", c?.id)} />
      ),
    },
    {
      id: "webhook",
      title: t("connection.line.step.webhook"),
      done: !!made?.webhook_active,
      open: !!made,
      content: made && <Webhook of={made} next={() => go("preflight")} />,
    },
    {
      id: "preflight",
      title: t("connection.line.step.preflight"),
      done: made?.state === "working",
      open: !!made,
      content: made && <Check of={made} next={() => go("scan")} />,
    },
    {
      id: "scan",
      title: t("connection.line.step.scan"),
      done: (made?.linked ?? 0) > 0,
      open: !!made,
      content: made && <OwnPhone of={made} />,
    },
  ];
  return (
    <Page
      title={t("connection.line.title")}
      lead={made && `${made.name} ${made.basic_id}`}
      state={made && <State of={made.state} words="connection.state" />}
    >
      <Card>
        <Wizard steps={steps} label={t("connection.line.title")} />
      </Card>
    </Page>
  );
}

// Need says what to have at hand, and draws where it is found.
function Need({ next }: { next: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <List>
        {["account", "login", "provider"].map((k) => (
          <List.Item key={k}>{t(`connection.line.need.${k}`)}</List.Item>
        ))}
      </List>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <MessagingPlace />
        <LoginPlace />
      </SimpleGrid>
      <Moves next={next} />
    </Stack>
  );
}

// Check is the preflight, with what a member decides about the account.
function Check({ of, next }: { of: Channel; next: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Preflight channel={of.id} />
      <CopyField label={t("connection.line.callback")} value={of.callback_url} />
      <Opens of={of} />
      <Shop of={of} />
      <Colour of={of} />
      <Moves next={next} nextLabel={t("connection.line.toScan")} />
    </Stack>
  );
}
