import {
  ActionIcon,
  Button,
  FileButton,
  Group,
  NumberInput,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconPhotoUp, IconTrash } from "@tabler/icons-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Failed } from "../parts";
import { Areas } from "./Areas";
import { fits, largest } from "./cut";
import { LabelField } from "./LabelField";
import style from "./message.module.css";
import {
  actionsOf,
  areasOf,
  type Card,
  cardsOf,
  covered,
  flexOf,
  heroRatio,
  type Json,
  type Kind,
  most,
  parse,
  ratioOf,
  recovered,
} from "./model";
import { Seen } from "./Seen";
import { TextField } from "./TextField";
import { type Picture, useCut, usePicture, useUpload } from "./usePicture";
import { ownSha, useImages } from "./usePreview";

export type FormProps = {
  block: string;
  set: (block: string) => void;
  readOnly?: boolean;
  errors: (path: string) => string | undefined;
};

// Form edits one block.
export function Form(props: FormProps & { kind: Kind }) {
  const One = forms[props.kind];
  return <One {...props} />;
}

const forms: Record<Kind, (props: FormProps) => ReactNode> = {
  text: TextForm,
  image: ImageForm,
  video: VideoForm,
  sticker: StickerForm,
  imagemap: MapForm,
  cards: CardsForm,
  json: JsonForm,
};

const readBlock = (block: string): Json => parse(block) ?? {};
const word = (value: unknown) => (typeof value === "string" ? value : "");

function TextForm({ block, set, readOnly, errors }: FormProps) {
  const { t } = useTranslation();
  const value = readBlock(block);
  return (
    <TextField
      label={t("message.text")}
      value={word(value.text)}
      onChange={(text) => set(JSON.stringify({ ...value, text }))}
      limit={5000}
      tall
      links
      readOnly={readOnly}
      error={errors("text")}
    />
  );
}

type PictureProps = {
  label: string;
  hint?: string;
  value: string;
  set: (url: string) => void;
  up: (i: Picture) => unknown;
  ratio?: number; // that the message shows it in, whatever its own is
  whole?: (i: Picture) => unknown; // undoes a cut
  readOnly?: boolean;
  error?: string;
};

// PictureField takes a picture by file, by dropping it, or by address. Where only a part of it
// is seen, that part is shown and chosen.
export function PictureField({ label, hint, value, set, up, ratio, whole, readOnly, error }: PictureProps) {
  const { t } = useTranslation();
  const upload = useUpload(up);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    const file = event.dataTransfer.files[0];
    if (file && !readOnly) upload.run(file);
  };
  return (
    <Stack gap={6} onDrop={drop} onDragOver={(e) => e.preventDefault()}>
      <Group align="end" gap="xs" wrap="nowrap">
        <TextInput
          label={label}
          description={hint ?? t("message.pictureHint")}
          value={value}
          onChange={(e) => set(e.currentTarget.value)}
          onPaste={(e) => {
            const file = e.clipboardData.files[0];
            if (file && !readOnly) upload.run(file);
          }}
          readOnly={readOnly}
          error={error}
          style={{ flex: 1 }}
        />
        {!readOnly && (
          <FileButton accept="image/jpeg,image/png" onChange={(file) => file && upload.run(file)}>
            {(props) => (
              <Button
                {...props}
                variant="default"
                loading={upload.busy}
                leftSection={<IconPhotoUp size={16} aria-hidden="true" />}
              >
                {t("message.upload")}
              </Button>
            )}
          </FileButton>
        )}
      </Group>
      {upload.error && <Failed error={upload.error} what="message.uploadFailed" />}
      {ratio && !readOnly && <Seen address={value} ratio={ratio} take={up} whole={whole} />}
    </Stack>
  );
}

function ImageForm({ block, set, readOnly, errors }: FormProps) {
  const { t } = useTranslation();
  const value = readBlock(block);
  const put = (url: string) =>
    set(JSON.stringify({ ...value, originalContentUrl: url, previewImageUrl: url }));
  return (
    <PictureField
      label={t("message.picture")}
      value={word(value.originalContentUrl)}
      set={put}
      up={(i) => put(i.url)}
      readOnly={readOnly}
      error={errors("originalContentUrl") ?? errors("previewImageUrl")}
    />
  );
}

function VideoForm({ block, set, readOnly, errors }: FormProps) {
  const { t } = useTranslation();
  const value = readBlock(block);
  const put = (part: Json) => set(JSON.stringify({ ...value, ...part }));
  return (
    <Stack gap="sm">
      <TextInput
        label={t("message.video")}
        description={t("message.videoHint")}
        value={word(value.originalContentUrl)}
        onChange={(e) => put({ originalContentUrl: e.currentTarget.value })}
        readOnly={readOnly}
        error={errors("originalContentUrl")}
      />
      <PictureField
        label={t("message.poster")}
        value={word(value.previewImageUrl)}
        set={(previewImageUrl) => put({ previewImageUrl })}
        up={(i) => put({ previewImageUrl: i.url })}
        readOnly={readOnly}
        error={errors("previewImageUrl")}
      />
    </Stack>
  );
}

function StickerForm({ block, set, readOnly, errors }: FormProps) {
  const { t } = useTranslation();
  const value = readBlock(block);
  return (
    <Group grow>
      {["packageId", "stickerId"].map((name) => (
        <TextInput
          key={name}
          label={t(`message.${name}`)}
          value={word(value[name])}
          onChange={(e) => set(JSON.stringify({ ...value, [name]: e.currentTarget.value }))}
          readOnly={readOnly}
          error={errors(name)}
        />
      ))}
    </Group>
  );
}

function AltField({
  value,
  put,
  readOnly,
  errors,
}: { value: Json; put: (part: Json) => void } & Pick<FormProps, "readOnly" | "errors">) {
  const { t } = useTranslation();
  return (
    <TextField
      label={t("message.alt")}
      value={word(value.altText)}
      onChange={(altText) => put({ altText })}
      limit={1500}
      readOnly={readOnly}
      error={errors("altText")}
    />
  );
}

// Shapes of a rich message, whatever shape its picture has.
const shapes = ["1:1", "4:3", "16:9", "2:1", "1:2"];
const heightOf = (ratio: number) => Math.max(1, Math.round(1040 / ratio));

// useShape gives a picture a shape: what fits of it, from its middle.
function useShape(take: (i: Picture) => void) {
  const cut = useCut(take);
  const run = (i: Picture, ratio: number) =>
    fits(i, ratio) ? take(i) : cut.run({ of: i, part: largest(i, ratio) });
  return { run, error: cut.error };
}

// useMeasure reads the shape of the picture at an address that was written: LINE shows a rich
// message as high as it says, whatever its picture is.
function useMeasure(found: (ratio: number) => void) {
  const images = useImages();
  const latest = useRef(found);
  latest.current = found;
  return useDebouncedCallback((address: string) => {
    const source = ownSha(address) ? undefined : images(`${address}/1040`);
    if (!source) return;
    const picture = new Image();
    picture.onload = () => latest.current(picture.naturalWidth / picture.naturalHeight);
    picture.src = source;
  }, 500);
}

function MapForm({ block, set, readOnly, errors }: FormProps) {
  const { t } = useTranslation();
  const value = readBlock(block);
  const put = (part: Json) => set(JSON.stringify({ ...value, ...part }));
  const areas = areasOf(value) ?? [];
  const images = useImages();
  const height = Number((value.baseSize as Json | undefined)?.height ?? 1040);
  const take = (i: Picture) =>
    put({ baseUrl: i.url, baseSize: { width: 1040, height: heightOf(i.width / i.height) } });
  const { whole: picture, cut } = usePicture(word(value.baseUrl));
  const shape = useShape(take);
  const measure = useMeasure((ratio) => put({ baseSize: { width: 1040, height: heightOf(ratio) } }));
  const change = (i: number, part: object) =>
    put({ actions: actionsOf(areas.map((a, n) => (n === i ? { ...a, ...part } : a))) });
  return (
    <Stack gap="sm">
      <AltField value={value} put={put} readOnly={readOnly} errors={errors} />
      <PictureField
        label={t("message.picture")}
        value={word(value.baseUrl)}
        set={(baseUrl) => {
          put({ baseUrl });
          measure(baseUrl);
        }}
        up={(i) => (cut && !i.cut && !fits(i, 1040 / height) ? shape.run(i, 1040 / height) : take(i))}
        ratio={cut && 1040 / height}
        whole={take}
        readOnly={readOnly}
        error={errors("baseUrl")}
      />
      {word(value.baseUrl) && !ownSha(word(value.baseUrl)) && (
        <NumberInput
          label={t("message.mapHeight")}
          description={t("message.mapHeightHint")}
          w={260}
          value={height}
          min={1}
          onChange={(n) => put({ baseSize: { width: 1040, height: Number(n) || 1040 } })}
          readOnly={readOnly}
          error={errors("baseSize") ?? errors("baseSize.height")}
        />
      )}
      {picture && !readOnly && (
        <Select
          label={t("message.shape")}
          w={200}
          data={[{ value: "", label: t("message.shape.picture") }, ...shapes]}
          value={cut ? (shapes.find((s) => heightOf(ratioOf(s)) === height) ?? null) : ""}
          onChange={(s) => (s ? shape.run(picture, ratioOf(s)) : take(picture))}
          allowDeselect={false}
        />
      )}
      {shape.error && <Failed error={shape.error} what="message.cut.failed" />}
      <Areas
        areas={areas}
        board={{ width: 1040, height }}
        image={value.baseUrl ? images(`${word(value.baseUrl)}/1040`) : undefined}
        set={change}
        add={(area) => put({ actions: actionsOf([...areas, { ...area, link: "" }]) })}
        readOnly={readOnly}
      />
      {areas.map((a, i) => (
        <Framed key={i} name={t("message.area", { n: i + 1 })}>
          <TextInput
            label={t("message.link")}
            value={a.link}
            onChange={(e) => change(i, { link: e.currentTarget.value })}
            readOnly={readOnly}
            error={errors(`actions[${i}].linkUri`)}
          />
          <Group gap="xs">
            {(["x", "y", "width", "height"] as const).map((name) => (
              <NumberInput
                key={name}
                w={96}
                label={t(`message.area.${name}`)}
                value={a[name]}
                min={0}
                max={name === "y" || name === "height" ? height : 1040}
                onChange={(n) => change(i, { [name]: Number(n) || 0 })}
                readOnly={readOnly}
              />
            ))}
          </Group>
          {errors(`actions[${i}].area`) && (
            <Text size="xs" c="red">
              {errors(`actions[${i}].area`)}
            </Text>
          )}
          {!readOnly && (
            <Button
              size="compact-xs"
              variant="default"
              w="fit-content"
              onClick={() => put({ actions: actionsOf(areas.filter((_, n) => n !== i)) })}
            >
              {t("message.removeArea", { n: i + 1 })}
            </Button>
          )}
        </Framed>
      ))}
      {!readOnly && (
        <Button
          size="xs"
          variant="default"
          w="fit-content"
          onClick={() =>
            put({ actions: actionsOf([...areas, { x: 0, y: 0, width: 1040, height, link: "" }]) })
          }
        >
          {t("message.addArea")}
        </Button>
      )}
    </Stack>
  );
}

function CardsForm({ block, set, readOnly, errors }: FormProps) {
  const { t } = useTranslation();
  const value = readBlock(block);
  const cards = cardsOf(value) ?? [];
  const put = (altText: string, next: Card[]) => set(JSON.stringify(flexOf(altText, next)));
  const alt = word(value.altText);
  const change = (i: number, part: Partial<Card>) =>
    put(
      alt,
      cards.map((c, n) => (n === i ? { ...c, ...part } : c)),
    );
  return (
    <Stack gap="sm">
      <AltField
        value={value}
        put={(part) => put(word(part.altText), cards)}
        readOnly={readOnly}
        errors={errors}
      />
      {cards.map((c, i) => {
        const at = `contents.contents[${i}]`;
        return (
          <Framed key={i} name={t("message.card", { n: i + 1 })}>
            <PictureField
              label={t("message.picture")}
              value={c.picture}
              set={(picture) => change(i, { picture })}
              up={(image) => change(i, { picture: image.card_url })}
              ratio={ratioOf(heroRatio)}
              whole={(image) => change(i, { picture: image.card_url })}
              readOnly={readOnly}
              error={errors(`${at}.hero.url`)}
            />
            <TextField
              label={t("message.cardTitle")}
              value={c.title}
              onChange={(title) => change(i, { title })}
              limit={5000}
              readOnly={readOnly}
              error={errors(`${at}.body.contents[0].text`)}
            />
            <TextField
              label={t("message.text")}
              value={c.text}
              onChange={(text) => change(i, { text })}
              limit={5000}
              readOnly={readOnly}
            />
            <Group grow align="start">
              <LabelField
                label={t("message.label")}
                value={c.label}
                set={(label) => change(i, { label })}
                limit={most.card}
                readOnly={readOnly}
                error={errors(`${at}.footer.contents[0].action.label`)}
              />
              <TextInput
                label={t("message.link")}
                value={c.link}
                onChange={(e) => change(i, { link: e.currentTarget.value })}
                readOnly={readOnly}
                error={errors(`${at}.footer.contents[0].action.uri`)}
              />
            </Group>
            {!readOnly && cards.length > 1 && (
              <Button
                size="compact-xs"
                variant="default"
                w="fit-content"
                leftSection={<IconTrash size={14} aria-hidden="true" />}
                onClick={() =>
                  put(
                    alt,
                    cards.filter((_, n) => n !== i),
                  )
                }
              >
                {t("message.removeCard", { n: i + 1 })}
              </Button>
            )}
          </Framed>
        );
      })}
      {!readOnly && cards.length < 12 && (
        <Button
          size="xs"
          variant="default"
          w="fit-content"
          onClick={() => put(alt, [...cards, { title: "", text: "", picture: "", label: "", link: "" }])}
        >
          {t("message.addCard")}
        </Button>
      )}
    </Stack>
  );
}

// JsonForm edits a message as LINE's JSON, with line numbers.
function JsonForm({ block, set, readOnly, errors }: FormProps) {
  const { t } = useTranslation();
  const [top, setTop] = useState(0);
  const lines = block.split("\n").length;
  const size = new TextEncoder().encode(block).length;
  return (
    <Stack gap={6}>
      <Group gap="xs" align="start" wrap="nowrap">
        <div className={style.lines} aria-hidden="true" style={{ marginTop: 46 }}>
          <div style={{ marginTop: -top }}>{Array.from({ length: lines }, (_, i) => i + 1).join("\n")}</div>
        </div>
        <Textarea
          label={t("message.json")}
          description={t("message.jsonHint")}
          className={style.code}
          style={{ flex: 1, minWidth: 0 }}
          autosize
          minRows={8}
          maxRows={20}
          spellCheck={false}
          value={block}
          onChange={(e) => set(e.currentTarget.value)}
          onScroll={(e) => setTop((e.target as HTMLElement).scrollTop)}
          readOnly={readOnly}
          error={errors("")}
        />
      </Group>
      {!readOnly &&
        covered(block).map((c, i) => (
          <Framed key={i} name={t("message.cut.picture", { n: i + 1 })}>
            <Seen
              address={c.address}
              ratio={c.ratio}
              take={(image) => set(recovered(block, i, image.card_url))}
              whole={(image) => set(recovered(block, i, image.card_url))}
            />
          </Framed>
        ))}
      <Text size="xs" c="dimmed">
        {t("message.jsonSize", { n: (size / 1024).toFixed(1) })}
      </Text>
    </Stack>
  );
}

// Framed is one of the parts of a block: an area, a card, a picture.
function Framed({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Stack gap={6} component="fieldset" p="xs" bd="1px solid var(--mantine-color-default-border)">
      <Text component="legend" size="sm">
        {name}
      </Text>
      {children}
    </Stack>
  );
}

// Remove is a small button that says what it takes away.
export function Remove({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <ActionIcon variant="subtle" color="gray" size={28} aria-label={label} onClick={onClick}>
      <IconTrash size={16} aria-hidden="true" />
    </ActionIcon>
  );
}
