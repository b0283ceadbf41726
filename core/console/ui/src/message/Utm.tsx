import { Card, Group, Text, TextInput, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Schema } from "../api";
import { usePlace } from "../place";
import type { Body, Problem } from "./model";
import { useProblems } from "./problems";

export type Utm = Schema<"UTMView">;
export const utmFields = ["source", "medium", "campaign", "content", "term"] as const;

type FieldsProps = {
  utm: Utm;
  set: (utm: Utm) => void;
  others?: Utm; // what counts where a field is left empty
  readOnly?: boolean;
  errors?: (name: string) => string | undefined;
};

// UtmFields are the campaign parameters. An empty field is none at all, as the core keeps them.
export function UtmFields({ utm, set, others, readOnly, errors }: FieldsProps) {
  const { t } = useTranslation();
  const change = (name: keyof Utm, text: string) =>
    set(
      Object.fromEntries(
        utmFields.map((f) => [f, f === name ? text : utm[f]] as const).filter(([, value]) => value),
      ),
    );
  return (
    <Group grow align="start">
      {utmFields.map((name) => (
        <TextInput
          key={name}
          label={t(`tracking.utm.${name}`)}
          value={utm[name] ?? ""}
          placeholder={others?.[name]}
          maxLength={100}
          readOnly={readOnly}
          error={errors?.(`utm_${name}`)}
          onChange={(e) => change(name, e.currentTarget.value)}
          miw={150}
        />
      ))}
    </Group>
  );
}

type Props = { draft: Body; set: (draft: Body) => void; problems: Problem[]; readOnly?: boolean };

// Campaign are the parameters of this message's links; an empty one is the account's.
export function Campaign({ draft, set, problems, readOnly }: Props) {
  const { t } = useTranslation();
  const say = useProblems(draft.blocks);
  const { channel } = usePlace();
  return (
    <Card component="section" id="campaign" tabIndex={-1} aria-label={t("message.utm")}>
      <Title order={3} size="h5">
        {t("message.utm")}
      </Title>
      <Text size="sm" mb="xs">
        {t("message.utmHow")}
      </Text>
      <UtmFields
        utm={draft.utm ?? {}}
        set={(utm) => set({ ...draft, utm })}
        others={channel?.utm}
        readOnly={readOnly}
        errors={(path) => {
          const found = problems.find((p) => p.block < 0 && p.path === path);
          return found && say(found);
        }}
      />
      <Text size="sm" c="dimmed" mt="xs">
        {t("message.untracked")}
      </Text>
    </Card>
  );
}
