import { Button, Group, Input, Menu, Stack, Text, TextInput, Tooltip } from "@mantine/core";
import { IconLink, IconMoodSmile, IconVariable } from "@tabler/icons-react";
import { useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../parts";
import style from "./message.module.css";
import { addressOf, apart, counted, type Piece, pieces, written } from "./model";

type Props = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  limit: number;
  readOnly?: boolean;
  tall?: boolean;
  links?: boolean; // LINE makes a link of an address in it
  error?: string;
};

const smiles = ["😀", "😊", "🎉", "🎁", "🍵", "🌸", "✨", "❤️", "👍", "🙏", "🛒", "📦", "⏰", "✅", "➡️", "🔔"];
const common = ["first_name", "last_name", "email"];

// TextField is a text with variables as pills. The browser edits it; it is drawn anew only when
// the value came from elsewhere, so that nothing jumps while an IME composes.
export function TextField({ label, value, onChange, limit, readOnly, tall, links, error }: Props) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const id = useId();
  const field = useRef<HTMLDivElement>(null);
  const last = useRef<string>(undefined);
  const place = useRef<Range>(undefined);
  useEffect(() => {
    if (field.current && last.current !== value) {
      field.current.replaceChildren(...pieces(value).map((p) => draw(p, t)));
      last.current = value;
    }
  }, [value, t]);
  const told = () => {
    if (!field.current) return;
    last.current = read(field.current);
    onChange(last.current);
  };
  // A menu takes the focus: what it adds goes where one wrote last.
  const keep = () => {
    const now = getSelection();
    if (now?.rangeCount && field.current?.contains(now.anchorNode))
      place.current = now.getRangeAt(0).cloneRange();
    told();
  };
  const put = (make: (before: string, after: string) => Node[]) => {
    const into = field.current;
    if (!into) return;
    const range = document.createRange();
    range.selectNodeContents(into);
    range.collapse(false);
    const at = place.current && into.contains(place.current.startContainer) ? place.current : range;
    at.deleteContents();
    for (const node of make(beside(into, at, "before"), beside(into, at, "after"))) {
      at.insertNode(node);
      at.collapse(false);
    }
    told();
  };
  const n = counted(value);
  return (
    <Stack gap={6}>
      <Input.Wrapper label={label} labelProps={{ id }} error={error} component="div">
        {/* biome-ignore lint/a11y/useSemanticElements: a field with pills in it is no textarea */}
        <div
          ref={field}
          role="textbox"
          tabIndex={0}
          aria-multiline="true"
          aria-labelledby={id}
          aria-readonly={readOnly}
          aria-invalid={!!error}
          contentEditable={readOnly ? "false" : "plaintext-only"}
          suppressContentEditableWarning
          className={tall ? style.tall : style.field}
          onInput={told}
          onBlur={keep}
        />
      </Input.Wrapper>
      <Group gap="xs" justify="space-between">
        {!readOnly && (
          <Group gap="xs">
            <Menu position="bottom-start">
              <Menu.Target>
                <Button
                  size="compact-xs"
                  variant="default"
                  leftSection={<IconMoodSmile size={14} aria-hidden="true" />}
                >
                  {t("message.emoji")}
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Group gap={4} maw={220} p={4}>
                  {smiles.map((s) => (
                    <Menu.Item key={s} w={36} px={8} onClick={() => put(() => [document.createTextNode(s)])}>
                      {s}
                    </Menu.Item>
                  ))}
                </Group>
              </Menu.Dropdown>
            </Menu>
            <VariableMenu put={(name) => put(() => [draw({ name, fallback: "" }, t)])} />
            {links && (
              <LinkMenu
                put={(address) =>
                  put((before, after) => pieces(apart(address, before, after)).map((p) => draw(p, t)))
                }
              />
            )}
          </Group>
        )}
        <Tooltip label={t("message.emojiCount")}>
          <Text size="xs" c={n > limit ? "red" : "dimmed"} tabIndex={0}>
            {count(n)} / {count(limit)}
          </Text>
        </Tooltip>
      </Group>
      <Fallbacks value={value} onChange={onChange} readOnly={readOnly} />
    </Stack>
  );
}

function VariableMenu({ put }: { put: (name: string) => void }) {
  const { t } = useTranslation();
  const [own, setOwn] = useState("");
  const name = own.trim();
  return (
    <Menu position="bottom-start" closeOnItemClick>
      <Menu.Target>
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconVariable size={14} aria-hidden="true" />}
        >
          {t("message.addVariable")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {common.map((one) => (
          <Menu.Item key={one} onClick={() => put(one)}>
            {t(`variable.${one}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Stack gap={4} p="xs">
          <TextInput
            size="xs"
            label={t("message.ownVariable")}
            description={t("message.ownVariableHint")}
            value={own}
            onChange={(e) => setOwn(e.currentTarget.value)}
          />
          <Menu.Item disabled={!name || /[[\]|]/.test(name)} onClick={() => put(name)}>
            {t("message.addThis")}
          </Menu.Item>
        </Stack>
      </Menu.Dropdown>
    </Menu>
  );
}

// LinkMenu asks for an address. LINE makes a link of it where it stands alone.
function LinkMenu({ put }: { put: (address: string) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const address = addressOf(typed);
  return (
    <Menu position="bottom-start" onClose={() => setTyped("")}>
      <Menu.Target>
        <Button size="compact-xs" variant="default" leftSection={<IconLink size={14} aria-hidden="true" />}>
          {t("message.addLink")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Stack gap={4} p="xs" miw={280}>
          <TextInput
            size="xs"
            type="url"
            label={t("message.link")}
            description={t("message.addLinkHint")}
            value={typed}
            onChange={(e) => setTyped(e.currentTarget.value)}
          />
          <Menu.Item disabled={!address} onClick={() => address && put(address)}>
            {t("message.addThisLink")}
          </Menu.Item>
        </Stack>
      </Menu.Dropdown>
    </Menu>
  );
}

// Fallbacks asks for each variable what stands in for it.
function Fallbacks({ value, onChange, readOnly }: Pick<Props, "value" | "onChange" | "readOnly">) {
  const { t } = useTranslation();
  const names = [...new Set(pieces(value).flatMap((p) => ("name" in p ? [p.name] : [])))];
  const set = (name: string, fallback: string) =>
    onChange(
      pieces(value)
        .map((p) => ("text" in p ? p.text : written(p.name, p.name === name ? fallback : p.fallback)))
        .join(""),
    );
  return names.map((name) => {
    const now = pieces(value).find((p) => "name" in p && p.name === name);
    return (
      <TextInput
        key={name}
        size="xs"
        maw={360}
        label={t("message.ifEmpty", { name: spoken(name, t) })}
        value={now && "fallback" in now ? now.fallback : ""}
        onChange={(e) => set(name, e.currentTarget.value.replace(/[[\]|]/g, ""))}
        readOnly={readOnly}
      />
    );
  });
}

type Say = (key: string) => string;

// spoken is a variable's name as people say it.
export const spoken = (name: string, t: Say) => (common.includes(name) ? t(`variable.${name}`) : name);

// beside is the text on one side of a place in a field.
function beside(field: Node, at: Range, side: "before" | "after"): string {
  const part = document.createRange();
  part.selectNodeContents(field);
  if (side === "before") part.setEnd(at.startContainer, at.startOffset);
  else part.setStart(at.endContainer, at.endOffset);
  return part.toString();
}

function draw(p: Piece, t: Say): Node {
  if ("text" in p) return document.createTextNode(p.text);
  const pill = document.createElement("span");
  pill.className = style.pill ?? "";
  pill.contentEditable = "false";
  pill.dataset.name = p.name;
  pill.dataset.fallback = p.fallback;
  pill.textContent = spoken(p.name, t);
  return pill;
}

function read(field: Node): string {
  let out = "";
  for (const node of field.childNodes) {
    if (node instanceof HTMLElement && node.dataset.name)
      out += written(node.dataset.name, node.dataset.fallback ?? "");
    else if (node.nodeName === "BR") out += node.nextSibling ? "\n" : "";
    else if (node.nodeType === Node.TEXT_NODE) out += node.textContent ?? "";
    else out += read(node);
  }
  return out;
}
