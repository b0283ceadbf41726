import { Button, Group, Input, Menu, Stack, Text, TextInput, Tooltip } from "@mantine/core";
import { IconMoodSmile, IconVariable } from "@tabler/icons-react";
import { useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../parts";
import style from "./message.module.css";
import { counted, type Piece, pieces, written } from "./model";

type Props = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  limit: number;
  readOnly?: boolean;
  tall?: boolean;
  error?: string;
};

const smiles = ["😀", "😊", "🎉", "🎁", "🍵", "🌸", "✨", "❤️", "👍", "🙏", "🛒", "📦", "⏰", "✅", "➡️", "🔔"];
const common = ["first_name", "last_name", "email"];

// TextField is a text with variables as pills. The browser edits it; it is drawn anew only when
// the value came from elsewhere, so that nothing jumps while an IME composes.
export function TextField({ label, value, onChange, limit, readOnly, tall, error }: Props) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const id = useId();
  const field = useRef<HTMLDivElement>(null);
  const last = useRef<string>(undefined);
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
  const put = (node: Node) => {
    if (!field.current) return;
    const chosen = getSelection();
    if (chosen?.rangeCount && field.current.contains(chosen.anchorNode)) {
      const range = chosen.getRangeAt(0);
      range.deleteContents();
      range.insertNode(node);
      range.collapse(false);
    } else field.current.append(node);
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
          onBlur={told}
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
                    <Menu.Item key={s} w={36} px={8} onClick={() => put(document.createTextNode(s))}>
                      {s}
                    </Menu.Item>
                  ))}
                </Group>
              </Menu.Dropdown>
            </Menu>
            <VariableMenu put={(name) => put(draw({ name, fallback: "" }, t))} />
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
