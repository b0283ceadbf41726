import { Button, FileButton, List, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read, type Schema } from "../api";
import { Failed, useAction, useFormat } from "../parts";
import { usePlace } from "../place";
import { parts } from "./csv";

type Done = Schema<"FriendFileView">;

// CsvIn takes a file of friends' own emails, phones and tags, part by part, and says of each
// line that could not be taken why.
export function CsvIn() {
  const { t } = useTranslation();
  const { path } = usePlace();
  const { count } = useFormat();
  const [done, setDone] = useState<Done>();
  const take = useAction(async (file: File) => {
    const sum: Done = { rows: 0, changed: 0, problems: [] };
    for (const part of parts(await file.text())) {
      const one = await read(
        api.POST("/merchants/{merchant}/channels/{channel}/friends/import", {
          params: { path },
          body: { csv: part.text },
        }),
      );
      sum.rows += one.rows;
      sum.changed += one.changed;
      sum.problems.push(...one.problems.map((p) => ({ ...p, line: p.line + part.before })));
    }
    setDone(sum);
    return sum;
  });
  return (
    <>
      <FileButton onChange={(file) => file && take.run(file)} accept=".csv,text/csv">
        {(props) => (
          <Button {...props} variant="default" size="sm" loading={take.busy}>
            {t("friend.csvIn")}
          </Button>
        )}
      </FileButton>
      <Modal
        opened={!!done || !!take.error}
        onClose={() => [setDone(undefined), take.clear()]}
        title={t("friend.csvTitle")}
      >
        <Stack>
          {take.error && <Failed error={take.error} what="friend.csvFailed" />}
          {done && (
            <Text>{t("friend.csvDone", { rows: count(done.rows), changed: count(done.changed) })}</Text>
          )}
          {done && done.problems.length > 0 && (
            <List size="sm">
              {done.problems.slice(0, 50).map((p) => (
                <List.Item key={`${p.line} ${p.code}`}>
                  {t("friend.csvLine", { line: p.line, problem: t(`friend.csvProblem.${p.code}`) })}
                </List.Item>
              ))}
            </List>
          )}
          <Text size="sm" c="dimmed">
            {t("friend.csvHelp")}
          </Text>
        </Stack>
      </Modal>
    </>
  );
}
