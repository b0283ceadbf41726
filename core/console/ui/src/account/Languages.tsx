import { SegmentedControl } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { setLanguage } from "../i18n";

// Languages chooses the console's own language, in this browser at once.
export function Languages({ chosen }: { chosen?: (language: string) => void }) {
  const { t, i18n } = useTranslation();
  const choose = (language: string) => {
    setLanguage(language);
    chosen?.(language);
  };
  return (
    <SegmentedControl
      aria-label={t("account.language")}
      value={i18n.language}
      onChange={choose}
      data={[
        { value: "en", label: "English" },
        { value: "ja", label: "日本語" },
      ]}
    />
  );
}
