import { Modal, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, read } from "../api";
import { composing } from "../parts";
import { account, usePlace } from "../place";
import { addressOf, reachable } from "./menu";
import style from "./shell.module.css";

type Hit = { key: string; text: string; detail: string; to: string };

const most = 8;

// matching are the hits whose words hold all that was typed.
export function matching<T>(all: T[], typed: string, words: (one: T) => string): T[] {
  const wanted = typed.toLowerCase().normalize("NFKC").split(/\s+/).filter(Boolean);
  return all.filter((one) => {
    const own = words(one).toLowerCase().normalize("NFKC");
    return wanted.every((w) => own.includes(w));
  });
}

// Find leads to every screen by its name here or in the FAQ, to LINE accounts and to friends.
export function Find({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={close} title={t("find.title")} centered={false}>
      <Finder close={close} />
    </Modal>
  );
}

function Finder({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const place = usePlace();
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const busy = useRef(false); // an IME composes
  const [words, setWords] = useState("");
  const people = useFriends(words);
  const screens = matching(
    reachable(place).map((s) => ({
      key: `${s.of} ${s.path}`,
      text: t(s.title),
      detail: s.names ? t(s.names) : "",
      to: addressOf(s, place),
    })),
    typed,
    (h) => `${h.text} ${h.detail}`,
  );
  const accounts = matching(
    place.channels.map((c) => ({
      key: c.id,
      text: c.name,
      detail: c.basic_id,
      to: `${place.shop}/oa/${account(c)}`,
    })),
    typed,
    (h) => `${h.text} ${h.detail}`,
  );
  const hits: Hit[] = [...screens.slice(0, most), ...(place.channels.length > 1 ? accounts : []), ...people];
  const open = (hit: Hit | undefined) => {
    if (!hit) return;
    close();
    navigate(hit.to);
  };
  const key = (event: KeyboardEvent) => {
    if (composing(event)) return;
    if (event.key === "ArrowDown") setAt(Math.min(at + 1, hits.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Enter") open(hits[at]);
    else return;
    event.preventDefault();
  };
  const change = (text: string) => {
    setTyped(text);
    setAt(0);
    if (!busy.current) setWords(text.trim());
  };
  return (
    <Stack gap="xs">
      <TextInput
        data-autofocus
        role="combobox"
        aria-expanded
        aria-controls="found"
        aria-activedescendant={hits[at] ? `found-${at}` : undefined}
        aria-label={t("find.label")}
        placeholder={t("find.label")}
        value={typed}
        onChange={(e) => change(e.currentTarget.value)}
        onKeyDown={key}
        onCompositionStart={() => {
          busy.current = true;
        }}
        onCompositionEnd={(e) => {
          busy.current = false;
          setWords(e.currentTarget.value.trim());
        }}
        leftSection={<IconSearch size={16} aria-hidden="true" />}
      />
      <div role="listbox" id="found" aria-label={t("find.title")}>
        {hits.map((h, i) => (
          <UnstyledButton
            key={h.key}
            id={`found-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === at}
            className={i === at ? style.found : style.find}
            onClick={() => open(h)}
          >
            <Text size="sm">{h.text}</Text>
            <Text size="xs" c="dimmed">
              {h.detail}
            </Text>
          </UnstyledButton>
        ))}
      </div>
      {hits.length === 0 && <Text size="sm">{t("common.noMatch")}</Text>}
    </Stack>
  );
}

function useFriends(words: string): Hit[] {
  const { t } = useTranslation();
  const { path, channel, base } = usePlace();
  const found = useQuery({
    queryKey: ["friend", "find", channel?.id, words],
    queryFn: () =>
      read(
        api.POST("/merchants/{merchant}/channels/{channel}/friends/search", {
          params: { path },
          body: { text: words, limit: 5 },
        }),
      ),
    enabled: !!channel && words.length > 1,
  });
  return (found.data?.items ?? []).map((f) => ({
    key: f.id,
    text: f.name || t("common.noName"),
    detail: t("menu.friend"),
    to: `${base}/friends/${f.id}`,
  }));
}
