import { Text, TextInput, type TextInputProps } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useFormat } from "../parts";
import { letters } from "../phone/limits";
import { plain } from "./model";

type Props = Omit<TextInputProps, "value" | "onChange"> & {
  value: string;
  set: (value: string) => void;
  limit: number;
  hint?: string;
};

// LabelField is one line of text with how long LINE finds it: in letters as people see them.
export function LabelField({ value, set, limit, hint, ...rest }: Props) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const n = letters(plain(value));
  return (
    <TextInput
      {...rest}
      value={value}
      onChange={(e) => set(e.currentTarget.value)}
      inputWrapperOrder={["label", "input", "description", "error"]}
      description={
        <>
          {hint && `${hint} `}
          <Text span inherit c={n > limit ? "var(--lumo-bad)" : undefined}>
            {t("message.letters", { n: count(n), max: count(limit) })}
          </Text>
        </>
      }
    />
  );
}
