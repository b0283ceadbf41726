import { Alert, Anchor, Button, Card, Group, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, read } from "../api";
import { Confirm, Failed, Section, useAction, useFormat, When } from "../parts";
import { usePlace } from "../place";
import { RunBox } from "../run/RunBox";
import { CheckTable, type Import } from "./CheckTable";

type Verb = "probe" | "link" | "undo";

// what names the texts of an import, or of automatic linking.
const what = (i: Import) => (i.kind === "auto_check" ? "auto" : "import");

type Props = { of: Import; on?: boolean }; // on = what an automatic check looked by is on already

// ImportRun is a check, and whatever followed from it: asking LINE, linking, undoing.
export function ImportRun({ of: i, on }: Props) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const { path, mayChange, mayManage } = usePlace();
  const client = useQueryClient();
  const auto = i.kind === "auto_check";
  const may = auto ? mayManage : mayChange;
  const [asking, setAsking] = useState(false);
  const step = useAction(async (verb: Verb, headers) => {
    const params = { path: { ...path, run: i.id } };
    const done =
      verb === "link" && auto
        ? await read(
            api.POST("/merchants/{merchant}/channels/{channel}/automatic/checks/{run}/turn_on", {
              params,
              headers,
            }),
          )
        : await read(
            api.POST(`/merchants/{merchant}/channels/{channel}/imports/{run}/${verb}`, { params, headers }),
          );
    await client.invalidateQueries({ queryKey: ["run"] });
    await client.invalidateQueries({ queryKey: ["linking"] });
    return done;
  });
  const n = i.check.counts.will_link ?? 0;
  const review = i.check.counts.review ?? 0;
  const unknown = i.check.counts.unknown ?? 0;
  const ended = i.check.state === "done" || i.check.state === "stopped";
  return (
    <Stack>
      <Card withBorder>
        <RunBox of={i.check} title={t("linking.import.check")} />
      </Card>
      {i.doubtful && (
        <Alert color="yellow" role="alert">
          {t("linking.import.doubtful")}
        </Alert>
      )}
      <CheckTable run={i.check} title={t("linking.import.check")} friends={auto} />
      {ended && !i.link && (
        <Text size="sm" c="dimmed">
          {t("linking.import.nothingYet")}
        </Text>
      )}
      {ended && !i.link && unknown > 0 && may && (
        <Alert color="blue" role="note">
          <Stack gap="xs" align="start">
            <Text size="sm">{t("linking.import.ask", { count: unknown, n: count(unknown) })}</Text>
            <Button variant="default" onClick={() => step.run("probe")} loading={step.busy}>
              {t("linking.import.askButton", { count: unknown, n: count(unknown) })}
            </Button>
          </Stack>
        </Alert>
      )}
      {i.may_link && may && (
        <Group>
          <Button
            onClick={() => step.run("link")}
            loading={step.busy}
            disabled={(!auto || on) && n + review === 0}
          >
            {t(auto ? (on ? "linking.auto.link" : "linking.auto.turnOn") : "linking.import.link", {
              count: n,
              n: count(n),
            })}
          </Button>
        </Group>
      )}
      {step.error && <Failed error={step.error} what="linking.import.notDone" />}
      {i.link && <Linked of={i} ask={() => setAsking(true)} may={may} />}
      <Confirm
        opened={asking}
        close={() => setAsking(false)}
        title={t(`linking.${what(i)}.undo`)}
        verb={t("linking.import.undoVerb", {
          count: i.link?.counts.linked ?? 0,
          n: count(i.link?.counts.linked ?? 0),
        })}
        failed="linking.import.notDone"
        danger
        action={{
          ...step,
          run: async () => {
            await step.run("undo");
            setAsking(false);
          },
        }}
      >
        {t(`linking.${what(i)}.undoText`, {
          count: i.link?.counts.linked ?? 0,
          n: count(i.link?.counts.linked ?? 0),
        })}
      </Confirm>
    </Stack>
  );
}

function Linked({ of: i, ask, may }: { of: Import; ask: () => void; may: boolean }) {
  const { t } = useTranslation();
  const { base } = usePlace();
  if (!i.link) return null;
  return (
    <Section title={t("linking.import.linking")}>
      <Card withBorder>
        <RunBox of={i.link} title={t("linking.import.linking")} />
      </Card>
      <CheckTable run={i.link} title={t("linking.import.linking")} friends={i.kind === "auto_check"} />
      {(i.link.counts.review ?? 0) > 0 && (
        <Anchor component={Link} to={`${base}/linking/review`}>
          {t("linking.import.toReview")}
        </Anchor>
      )}
      {i.may_undo && may && (
        <Group>
          <Button variant="default" color="red" onClick={ask}>
            {t(`linking.${what(i)}.undo`)}
          </Button>
          <Text size="sm" c="dimmed" component="div">
            {t("linking.import.undoUntil")} <When at={i.undo_until} full />
          </Text>
        </Group>
      )}
      {i.undo && (
        <>
          <Card withBorder>
            <RunBox of={i.undo} title={t("linking.import.undoing")} />
          </Card>
          <CheckTable run={i.undo} title={t("linking.import.undoing")} friends={i.kind === "auto_check"} />
        </>
      )}
    </Section>
  );
}
