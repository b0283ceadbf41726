import { Button, Card, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, read } from "../api";
import { Failed, useAction, useFormat, When } from "../parts";
import { usePlace } from "../place";
import { RunBox } from "../run/RunBox";
import { isOpen, type Run, useRuns } from "../run/useRuns";

const results = ["use_first", "use_second", "leave_unlinked", "left", "changed", "undone"];

// ReviewRuns are the newest decisions by a rule, and what takes them back.
export function ReviewRuns() {
  const made = useRuns("review").data?.items[0];
  const back = useRuns("review_undo").data?.items[0];
  const shown = [made, back].filter((r): r is Run => r !== undefined && (isOpen(r) || recent(r)));
  return shown.map((r) => <Decided key={r.id} of={r} undone={r === made && !!made.undone_at} />);
}

// A day is as long as somebody who decided many looks for the way back here.
const recent = (r: Run) => !!r.ended_at && Date.now() - Date.parse(r.ended_at) < 86_400_000;

function Decided({ of: r, undone }: { of: Run; undone: boolean }) {
  const { t } = useTranslation();
  const { path, mayChange } = usePlace();
  const { count } = useFormat();
  const client = useQueryClient();
  const undo = useAction<void, unknown>(async (_, headers) => {
    const params = { path: { ...path, run: r.id } };
    const run = await read(
      api.POST("/merchants/{merchant}/channels/{channel}/review_many/{run}/undo", { params, headers }),
    );
    await client.invalidateQueries({ queryKey: ["run"] });
    return run;
  });
  const decided =
    r.kind === "review" && ["use_first", "use_second", "leave_unlinked"].some((k) => r.counts[k]);
  return (
    <Card withBorder>
      <Stack gap="xs" align="stretch">
        <RunBox of={r} title={t(`run.kind.${r.kind}`)} />
        {!isOpen(r) && (
          <Text size="sm">
            <When at={r.ended_at} />
            {" · "}
            {results
              .filter((k) => r.counts[k])
              .map((k) =>
                t(`linking.review.many.did.${k}`, { count: r.counts[k], n: count(r.counts[k] ?? 0) }),
              )
              .join(" · ")}
          </Text>
        )}
        {undone && <Text size="sm">{t("linking.review.many.undone")}</Text>}
        {decided && !isOpen(r) && !undone && mayChange && (
          <Button size="xs" variant="default" w="fit-content" onClick={() => undo.run()} loading={undo.busy}>
            {t("linking.review.many.undo")}
          </Button>
        )}
        {undo.error && <Failed error={undo.error} what="linking.review.notDone" />}
      </Stack>
    </Card>
  );
}
