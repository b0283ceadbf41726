import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { persist, useAction } from "./action";
import { useUndo } from "./Undo";

type Key = Record<"Idempotency-Key", string>;

type Calls = {
  list: QueryKey; // what is read again after each
  again: (one: string | undefined, key: Key) => Promise<unknown>; // undefined = all
  dismiss: (one: string, key: Key) => Promise<unknown>;
  bringBack: (one: string, key: Key) => Promise<unknown>;
};

// useKeptActions are what can be done with what was kept aside; a dismissal can be undone at once.
export function useKeptActions({ list, ...calls }: Calls) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { offer } = useUndo();
  const reread = async () => {
    await client.invalidateQueries({ queryKey: list });
    await client.invalidateQueries({ queryKey: ["home"] });
  };
  const toKept = async (one: string, key: Key) => {
    await calls.bringBack(one, key);
    await reread();
  };
  const again = useAction(async (one: string | undefined, key) => {
    await calls.again(one, key);
    await reread();
  });
  const bringBack = useAction(toKept);
  const dismiss = useAction(async (one: string, key) => {
    await calls.dismiss(one, key);
    await reread();
    offer({
      text: t("flow.kept.wasDismissed"),
      undo: () =>
        persist(
          (undoKey) => toKept(one, undoKey),
          () => {},
        ),
    });
  });
  return { again, dismiss, bringBack };
}
