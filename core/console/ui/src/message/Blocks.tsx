import {
  closestCenter,
  DndContext,
  type DragEndEvent,
  KeyboardSensor,
  PointerSensor,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import {
  SortableContext,
  sortableKeyboardCoordinates,
  useSortable,
  verticalListSortingStrategy,
} from "@dnd-kit/sortable";
import { CSS } from "@dnd-kit/utilities";
import { ActionIcon, Box, Button, Card, Group, Menu, Text, TextInput, Title } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconGripVertical, IconPlus } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Schema } from "../api";
import { usePlace } from "../place";
import { largest } from "./cut";
import { Form, PictureField, Remove } from "./Forms";
import { LabelField } from "./LabelField";
import { Links } from "./Links";
import {
  type Body,
  blank,
  kindOf,
  kinds,
  most,
  move,
  type Problem,
  quickReply,
  type Reply,
  repliesOf,
} from "./model";
import { useProblems } from "./problems";
import { useCut } from "./usePicture";

type Tracked = Schema<"TrackedView">;

const mostBlocks = 5;

type Props = {
  draft: Body;
  set: (draft: Body) => void;
  problems: Problem[];
  tracked?: Tracked[];
  readOnly?: boolean;
  removed: (before: Body) => void;
};

// Blocks is the list of a message's blocks; they move by dragging or by their buttons.
export function Blocks({ draft, set, problems, tracked = [], readOnly, removed }: Props) {
  const { t } = useTranslation();
  const { channel } = usePlace();
  const say = useProblems(draft.blocks);
  const blocks = draft.blocks;
  const errors = (block: number) => (path: string) => {
    const found = problems.find(
      (p) => p.block === block && p.level === "error" && (path === "" || p.path === path),
    );
    return found && say(found);
  };
  const put = (next: string[]) => set({ ...draft, blocks: next });
  const sensors = useSensors(
    useSensor(PointerSensor),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  );
  const dropped = ({ active, over }: DragEndEvent) => {
    if (over && active.id !== over.id) put(move(blocks, Number(active.id) - 1, Number(over.id) - 1));
  };
  const named = (n: string | number) =>
    t("message.block", { n, kind: t(`block.${kindOf(blocks[Number(n) - 1] ?? "")}`) });
  const spoken = {
    screenReaderInstructions: { draggable: t("message.dragHow") },
    announcements: {
      onDragStart: ({ active }: Pick<DragEndEvent, "active">) =>
        t("message.dragStart", { name: named(active.id) }),
      onDragOver: ({ active, over }: Pick<DragEndEvent, "active" | "over">) =>
        over ? t("message.dragOver", { name: named(active.id), n: over.id }) : undefined,
      onDragEnd: ({ over }: Pick<DragEndEvent, "over">) =>
        over ? t("message.dragEnd", { n: over.id }) : t("message.dragCancel"),
      onDragCancel: () => t("message.dragCancel"),
    },
  };
  return (
    <>
      <Title order={2}>{t("message.blocks", { n: blocks.length, max: mostBlocks })}</Title>
      <DndContext
        sensors={sensors}
        collisionDetection={closestCenter}
        onDragEnd={dropped}
        accessibility={spoken}
      >
        <SortableContext items={blocks.map((_, i) => i + 1)} strategy={verticalListSortingStrategy}>
          {blocks.map((block, i) => (
            <Block
              key={i}
              n={i + 1}
              of={blocks.length}
              block={block}
              tracked={tracked.filter((one) => one.block === i)}
              readOnly={readOnly}
              set={(next) => put(blocks.map((b, n) => (n === i ? next : b)))}
              move={(to) => put(move(blocks, i, to))}
              remove={() => {
                removed(draft);
                put(blocks.filter((_, n) => n !== i));
              }}
              errors={errors(i)}
            />
          ))}
        </SortableContext>
      </DndContext>
      {!readOnly && blocks.length < mostBlocks && (
        <Menu position="bottom-start">
          <Menu.Target>
            <Button variant="default" w="fit-content" leftSection={<IconPlus size={16} aria-hidden="true" />}>
              {t("message.addBlock")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {kinds.map((kind) => (
              <Menu.Item
                key={kind}
                onClick={() =>
                  put([...blocks, blank(kind, t("message.altFrom", { name: channel?.name ?? "" }))])
                }
              >
                {t(`block.${kind}`)}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      <QuickReplies draft={draft} set={set} readOnly={readOnly} errors={errors(-1)} />
    </>
  );
}

type BlockProps = {
  n: number;
  of: number;
  block: string;
  tracked: Tracked[];
  readOnly?: boolean;
  set: (block: string) => void;
  move: (to: number) => void;
  remove: () => void;
  errors: (path: string) => string | undefined;
};

function Block({ n, of, block, tracked, readOnly, set, move, remove, errors }: BlockProps) {
  const { t } = useTranslation();
  const sorting = useSortable({
    id: n,
    disabled: readOnly,
    attributes: { roleDescription: t("message.dragRole") },
  });
  const kind = kindOf(block);
  const name = t("message.block", { n, kind: t(`block.${kind}`) });
  return (
    <Card
      component="section"
      aria-label={name}
      id={`block-${n}`}
      tabIndex={-1}
      ref={sorting.setNodeRef}
      style={{ transform: CSS.Translate.toString(sorting.transform), transition: sorting.transition }}
    >
      <Group justify="space-between" mb="xs">
        <Group gap={4}>
          {!readOnly && (
            <ActionIcon
              variant="subtle"
              color="gray"
              size={28}
              {...sorting.attributes}
              {...sorting.listeners}
              aria-label={t("message.drag", { name })}
            >
              <IconGripVertical size={16} aria-hidden="true" />
            </ActionIcon>
          )}
          <Title order={3} size="h5">
            {name}
          </Title>
        </Group>
        {!readOnly && (
          <Group gap={4}>
            <ActionIcon
              variant="subtle"
              color="gray"
              size={28}
              disabled={n === 1}
              aria-label={t("message.up", { name })}
              onClick={() => move(n - 2)}
            >
              <IconArrowUp size={16} aria-hidden="true" />
            </ActionIcon>
            <ActionIcon
              variant="subtle"
              color="gray"
              size={28}
              disabled={n === of}
              aria-label={t("message.down", { name })}
              onClick={() => move(n)}
            >
              <IconArrowDown size={16} aria-hidden="true" />
            </ActionIcon>
            <Remove label={t("message.remove", { name })} onClick={remove} />
          </Group>
        )}
      </Group>
      <Form kind={kind} block={block} set={set} readOnly={readOnly} errors={errors} />
      <Links of={tracked} />
    </Card>
  );
}

type ExtrasProps = Pick<Props, "draft" | "set" | "readOnly"> & Pick<BlockProps, "errors">;

function QuickReplies({ draft, set, readOnly, errors }: ExtrasProps) {
  const { t } = useTranslation();
  const list = repliesOf(draft.quick_reply);
  const put = (next: Reply[]) => set({ ...draft, quick_reply: quickReply(next) });
  const sender = senderOf(draft.sender);
  const icon = (iconUrl: string) => set({ ...draft, sender: senderText({ ...sender, iconUrl }) });
  const square = useCut((i) => icon(i.icon_url ?? ""));
  return (
    <Card component="section" id="extras" tabIndex={-1} aria-label={t("message.extras")}>
      <Title order={3} size="h5" mb="xs">
        {t("message.quick", { n: list?.length ?? 0 })}
      </Title>
      {!list && <Text size="sm">{t("message.quickJson")}</Text>}
      {list?.map((r, i) => (
        <Group key={i} align="start" gap="xs" mb="xs">
          <LabelField
            label={t("message.label")}
            w={160}
            value={r.label}
            set={(label) => put(list.map((o, n) => (n === i ? { ...o, label } : o)))}
            limit={most.quick}
            readOnly={readOnly}
            error={errors(`quickReply.items[${i}].action.label`)}
          />
          <TextInput
            label={t("message.quickLink")}
            style={{ flex: 1, minWidth: 160 }}
            value={r.link}
            readOnly={readOnly}
            onChange={(e) => put(list.map((o, n) => (n === i ? { ...o, link: e.currentTarget.value } : o)))}
            error={errors(`quickReply.items[${i}].action.uri`)}
          />
          {!readOnly && (
            <Box mt={28}>
              <Remove
                label={t("message.removeQuick", { n: i + 1 })}
                onClick={() => put(list.filter((_, n) => n !== i))}
              />
            </Box>
          )}
        </Group>
      ))}
      {!readOnly && list && list.length < 13 && (
        <Button size="xs" variant="default" onClick={() => put([...list, { label: "", link: "", text: "" }])}>
          {t("message.addQuick")}
        </Button>
      )}
      <Group align="start" grow mt="sm">
        <LabelField
          label={t("message.sender")}
          hint={t("message.senderHint")}
          value={sender.name}
          set={(name) => set({ ...draft, sender: senderText({ ...sender, name }) })}
          limit={most.sender}
          readOnly={readOnly}
          error={errors("sender.name")}
        />
        <PictureField
          label={t("message.senderIcon")}
          hint={t("message.senderIconHint")}
          value={sender.iconUrl}
          set={icon}
          up={(i) => (i.icon_url ? icon(i.icon_url) : square.run({ of: i, part: largest(i, 1) }))}
          ratio={1}
          readOnly={readOnly}
        />
      </Group>
    </Card>
  );
}

type Sender = { name: string; iconUrl: string };

function senderOf(text: string | undefined): Sender {
  try {
    const { name = "", iconUrl = "" } = JSON.parse(text || "{}") as Partial<Sender>;
    return { name, iconUrl };
  } catch {
    return { name: "", iconUrl: "" };
  }
}

function senderText({ name, iconUrl }: Sender): string | undefined {
  if (!name && !iconUrl) return undefined;
  return JSON.stringify({ ...(name && { name }), ...(iconUrl && { iconUrl }) });
}
