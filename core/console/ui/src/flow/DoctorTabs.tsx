import { Tabs } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { usePlace } from "../place";

const paths = { calls: "flows", kept: "flows/kept" } as const;

// DoctorTabs are the Flow doctor's two lists, each with an address of its own.
export function DoctorTabs({ of }: { of: keyof typeof paths }) {
  const { t } = useTranslation();
  const { base } = usePlace();
  const navigate = useNavigate();
  return (
    <Tabs value={of} onChange={(v) => v && navigate(`${base}/${paths[v as keyof typeof paths]}`)}>
      <Tabs.List aria-label={t("flow.doctor.title")}>
        <Tabs.Tab value="calls">{t("flow.tab.calls")}</Tabs.Tab>
        <Tabs.Tab value="kept">{t("flow.kept.title")}</Tabs.Tab>
      </Tabs.List>
    </Tabs>
  );
}
