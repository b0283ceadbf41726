import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, read } from "../api";
import { useUndo } from "../parts";
import { usePlace } from "../place";

// useHiding hides the first steps from one's own Home, or shows them again.
export function useHiding() {
  const { t } = useTranslation();
  const { merchant } = usePlace();
  const client = useQueryClient();
  const undo = useUndo();
  const set = async (hidden: boolean) => {
    const params = { path: { merchant: merchant.id } };
    await read(api.POST("/merchants/{merchant}/first_steps/hide", { params, body: { hidden } }));
    await client.invalidateQueries({ queryKey: ["home"] });
  };
  const hide = async () => {
    await set(true);
    undo.offer({ text: t("home.stepsHidden"), undo: () => set(false) });
  };
  return { set, hide };
}
