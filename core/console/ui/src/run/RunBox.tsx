import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, read } from "../api";
import { Failed, LongWork, useAction } from "../parts";
import { usePlace } from "../place";
import type { Run } from "./useRuns";

type Verb = "pause" | "resume" | "stop";

// ahead says which work has to end first, and who started it.
const ahead = (t: (key: string) => string, r: Run): [string, Record<string, string>?] =>
  r.after_by && r.after_kind
    ? ["run.afterOf", { what: t(`run.kind.${r.after_kind}`), name: r.after_by }]
    : ["run.after"];

function waitsFor(r: Run): string {
  if (r.waits === "sample") return "run.sample";
  if (r.kind === "import_check") return "run.both"; // it asks one after the other
  return r.kind === "auto_check" ? "run.klaviyo" : "run.vendor";
}

// RunBox is how far long work got, with what may be done about it.
export function RunBox({ of: r, title }: { of: Run; title: string }) {
  const { t } = useTranslation();
  const { path, mayChange } = usePlace();
  const client = useQueryClient();
  const turn = useAction(async (verb: Verb, headers) => {
    const params = { path: { merchant: path.merchant, channel: r.channel, run: r.id } };
    const done = await read(
      api.POST(`/merchants/{merchant}/channels/{channel}/runs/{run}/${verb}`, { params, headers }),
    );
    await client.invalidateQueries({ queryKey: ["run"] });
    return done;
  });
  const button = (verb: Verb) => (
    <Button key={verb} size="xs" variant="default" disabled={turn.busy} onClick={() => turn.run(verb)}>
      {t(`run.${verb}`)}
    </Button>
  );
  const verbs: Verb[] =
    r.state === "running" || r.state === "waiting"
      ? ["pause", "stop"]
      : r.state === "paused"
        ? ["resume", "stop"]
        : r.state === "failed"
          ? ["resume"]
          : [];
  const waiting = r.after ? t(...ahead(t, r)) : r.waits ? t(waitsFor(r)) : undefined;
  return (
    <>
      <LongWork
        title={title}
        of={{
          state: r.state === "done" && r.problems > 0 ? "done_with_problems" : r.state,
          done: r.done,
          total: r.total,
          problems: r.problems || undefined,
          perSecond: r.running_seconds > 0 ? Math.round(r.done / r.running_seconds) : undefined,
          waitingFor: waiting,
          startedBy: r.started_by,
        }}
        actions={mayChange && verbs.map(button)}
      />
      {turn.error && <Failed error={turn.error} what="run.failed" />}
    </>
  );
}
