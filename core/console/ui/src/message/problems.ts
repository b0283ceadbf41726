import { useTranslation } from "react-i18next";
import type { Problem } from "./model";
import { spoken } from "./TextField";

// useProblems puts problems into words.
export function useProblems() {
  const { t } = useTranslation();
  return (p: Problem) => {
    const data: Record<string, unknown> = { ...p.data };
    if (typeof data.name === "string") data.name = spoken(data.name, t);
    return t(`problem.${p.code}`, data);
  };
}
