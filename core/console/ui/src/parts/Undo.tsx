import { Button, Group, Paper, Text } from "@mantine/core";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import style from "./parts.module.css";

const shownFor = 10_000; // ms; stops while somebody points at it or has the focus in it

export type Undoable = {
  text: string; // what was done, as a sentence
  undo: () => Promise<unknown>;
  // settle runs when the ten seconds are over and nobody took it back.
  settle?: () => void;
};

type Undos = { offer: (u: Undoable) => void; kept: Undoable[]; drop: (u: Undoable) => void };

const Context = createContext<Undos>({ offer: () => {}, kept: [], drop: () => {} });

// useUndo offers to take back what was just done: the first step of the ladder.
export const useUndo = () => useContext(Context);

const most = 10;

// UndoProvider shows one offer at a time; older ones are kept for the list of running work.
export function UndoProvider({ children }: { children: ReactNode }) {
  const [current, setCurrent] = useState<Undoable>();
  const [kept, setKept] = useState<Undoable[]>([]);
  const drop = useCallback((u: Undoable) => setKept((all) => all.filter((one) => one !== u)), []);
  const settle = useCallback((u: Undoable) => {
    setCurrent((now) => (now === u ? undefined : now));
    setKept((all) => [u, ...all].slice(0, most));
    u.settle?.();
  }, []);
  const offer = useCallback(
    (u: Undoable) =>
      setCurrent((now) => {
        if (now) queueMicrotask(() => settle(now));
        return u;
      }),
    [settle],
  );
  return (
    <Context value={{ offer, kept, drop }}>
      {children}
      {current && (
        <Offer key={current.text} of={current} settle={settle} done={() => setCurrent(undefined)} />
      )}
    </Context>
  );
}

type OfferProps = { of: Undoable; settle: (u: Undoable) => void; done: () => void };

function Offer({ of, settle, done }: OfferProps) {
  const { t } = useTranslation();
  const [held, setHeld] = useState(false);
  const [failed, setFailed] = useState(false);
  const left = useRef(shownFor);
  useEffect(() => {
    if (held || failed) return;
    const begun = Date.now();
    const timer = setTimeout(() => settle(of), left.current);
    return () => {
      clearTimeout(timer);
      left.current = Math.max(1000, left.current - (Date.now() - begun));
    };
  }, [held, failed, of, settle]);
  const back = async () => {
    try {
      await of.undo();
      done();
    } catch {
      setFailed(true);
    }
  };
  return (
    <Paper
      shadow="md"
      p="sm"
      withBorder
      role="status"
      className={style.offer}
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Group wrap="nowrap">
        <Text size="sm">{failed ? t("common.undoFailed") : of.text}</Text>
        <Button size="xs" variant="default" onClick={back} flex="none">
          {t("common.undo")}
        </Button>
      </Group>
    </Paper>
  );
}
