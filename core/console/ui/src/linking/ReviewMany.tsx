import { Button, Group, List, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read, type Schema } from "../api";
import { Confirm, Failed, type Selection, useAction, useFormat } from "../parts";
import { usePlace } from "../place";

type Body = Schema<"ManyBody">;
type Rule = Body["rule"];

const rules: Rule[] = ["surer", "keep", "leave_unlinked"];
const results = ["use_first", "use_second", "leave_unlinked", "left"] as const;

type Props = { selection: Selection; kind: Body["kind"] };

// ReviewMany decides the ticked items, or all that match, by one rule. A check comes first.
export function ReviewMany({ selection, kind }: Props) {
  const { t } = useTranslation();
  const [rule, choose] = useState<Rule>();
  const body = (of: Rule): Body => (selection.all ? { rule: of, kind } : { rule: of, items: selection.ids });
  return (
    <Group gap="xs">
      {rules.map((one) => (
        <Button key={one} size="xs" variant="default" onClick={() => choose(one)}>
          {t(`linking.review.many.${one}`)}
        </Button>
      ))}
      {rule && <Asked body={body(rule)} done={selection.clear} close={() => choose(undefined)} />}
    </Group>
  );
}

type AskedProps = { body: Body; done: () => void; close: () => void };

// Asked says what the rule would do, and starts it.
function Asked({ body, done, close }: AskedProps) {
  const { t } = useTranslation();
  const { path } = usePlace();
  const { count } = useFormat();
  const client = useQueryClient();
  const check = useQuery({
    queryKey: ["linking", "review", "check", path.channel, body],
    queryFn: () =>
      read(
        api.POST("/merchants/{merchant}/channels/{channel}/review_many/check", { params: { path }, body }),
      ),
    gcTime: 0,
  });
  const start = useAction<void, unknown>(async (_, headers) => {
    const run = await read(
      api.POST("/merchants/{merchant}/channels/{channel}/review_many", { params: { path }, body, headers }),
    );
    await client.invalidateQueries({ queryKey: ["run"] });
    close();
    done();
    return run;
  });
  const found = check.data;
  const n = found ? found.total - found.left : 0;
  return (
    <Confirm
      opened
      close={close}
      title={t(`linking.review.many.${body.rule}`)}
      verb={t("linking.review.many.verb", { count: n, n: count(n) })}
      action={start}
      failed="linking.review.notDone"
      ready={n > 0}
    >
      {check.error ? (
        <Failed error={check.error} again={() => check.refetch()} what="linking.failed" />
      ) : (
        <Text size="sm" component="div">
          {t(`linking.review.many.text.${body.rule}`)}
          <List size="sm" mt="xs">
            {results
              .filter((r) => found && found[r] > 0)
              .map((r) => (
                <List.Item key={r}>
                  {t(`linking.review.many.${r === "left" ? "left" : `would.${r}`}`, {
                    count: found?.[r] ?? 0,
                    n: count(found?.[r] ?? 0),
                  })}
                </List.Item>
              ))}
          </List>
        </Text>
      )}
    </Confirm>
  );
}
