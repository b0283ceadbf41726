import { Button, TagsInput, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, read, type Schema } from "../api";
import { CopyField, Failed, fieldError, Result, Section, useAction } from "../parts";
import { usePlace } from "../place";

const at = "/merchants/{merchant}/channels/{channel}/linking/settings" as const;

// Unlinking is how friends end their link by themselves: by a page, and by words they write.
export function Unlinking() {
  const { t } = useTranslation();
  const { path } = usePlace();
  const settings = useQuery({
    queryKey: ["linking", "settings", path.channel],
    queryFn: () => read(api.GET(at, { params: { path } })),
  });
  const codes = useQuery({
    queryKey: ["linking", "codes", path.channel],
    queryFn: () => read(api.GET("/merchants/{merchant}/channels/{channel}/qr_codes", { params: { path } })),
  });
  const live = codes.data?.items.find((c) => c.state === "live");
  return (
    <Section title={t("linking.unlink.title")}>
      <Text size="sm">{t("linking.unlink.lead")}</Text>
      {settings.error && (
        <Failed error={settings.error} again={() => settings.refetch()} what="linking.failed" />
      )}
      {settings.data && <Words of={settings.data} />}
      {live && <CopyField label={t("linking.unlink.page")} value={`${live.url}?u=1`} />}
    </Section>
  );
}

function Words({ of }: { of: Schema<"LinkingView"> }) {
  const { t } = useTranslation();
  const { path, mayChange } = usePlace();
  const client = useQueryClient();
  const [words, setWords] = useState<string[]>(of.unlink_words ?? []);
  const save = useAction(async () => {
    const now = await read(api.GET(at, { params: { path } }));
    const saved = await read(
      api.PUT(at, { params: { path }, body: { goal_percent: now.goal_percent, unlink_words: words } }),
    );
    client.setQueryData(["linking", "settings", path.channel], saved);
    setWords(saved.unlink_words ?? []);
    return saved;
  });
  if (!mayChange)
    return <Text size="sm">{words.length > 0 ? words.join(" · ") : t("linking.unlink.noWords")}</Text>;
  return (
    <Result of={save} what="linking.notSaved">
      <TagsInput
        label={t("linking.unlink.words")}
        description={t("linking.unlink.wordsHelp")}
        value={words}
        maxTags={10}
        onChange={setWords}
        error={fieldError(save.error, "unlink_words")}
        acceptValueOnBlur
        maw={480}
      />
      <Button variant="default" onClick={() => save.run()} loading={save.busy}>
        {t("linking.unlink.save")}
      </Button>
    </Result>
  );
}
