import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useNavigate } from "react-router";
import { useUndo } from "../parts";
import type { Body } from "./model";

// Back is a published version that shall be the draft again.
export type Back = { version: number; body: Body };

// useBack takes up the version that the list of versions sent here. It comes with the click and
// is forgotten at once: a page that is loaded anew must not write over what was typed since.
export function useBack(draft: Body, set: (draft: Body) => void) {
  const { t } = useTranslation();
  const { state, pathname } = useLocation();
  const navigate = useNavigate();
  const undo = useUndo();
  const back = state as Back | null;
  const taken = useRef<Back>(undefined);
  useEffect(() => {
    if (!back || taken.current === back) return;
    taken.current = back;
    navigate(pathname, { replace: true, state: null });
    set(back.body);
    undo.offer({ text: t("message.broughtBack", { n: back.version }), undo: async () => set(draft) });
  }, [back, draft, set, navigate, pathname, undo, t]);
}
