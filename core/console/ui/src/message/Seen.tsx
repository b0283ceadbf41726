import { Button, Group, Slider, Stack, Text } from "@mantine/core";
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Failed, useAction } from "../parts";
import { byKey, closest, fits, largest, moved, type Part, same, zoomed, zoomOf } from "./cut";
import style from "./message.module.css";
import { type Picture, useCut, usePicture, useUpload } from "./usePicture";
import { ownSha, useImages } from "./usePreview";

type Props = {
  address: string;
  ratio: number; // width to height, where the message shows it
  take: (picture: Picture) => unknown; // instead of the one at the address
  whole?: (picture: Picture) => unknown; // undoes a cut, where the message can show it uncut
};

// Seen shows which part of a picture LINE will show, and has another part chosen. The core cuts
// it out of the picture, which stays.
export function Seen(props: Props) {
  const { whole, cut, error, again } = usePicture(props.address);
  if (error) return <Failed error={error} again={again} what="message.cut.notRead" />;
  if (!ownSha(props.address))
    return /^https?:\/\/[^[]+$/.test(props.address) ? (
      <TakeOver address={props.address} take={props.take} />
    ) : null;
  if (!whole || (!cut && fits(whole, props.ratio))) return null;
  return <Frame key={props.address} {...props} of={whole} cut={cut} />;
}

// TakeOver copies a picture of another host to us: only ours can be cut.
function TakeOver({ address, take }: Pick<Props, "address" | "take">) {
  const { t } = useTranslation();
  const images = useImages();
  const upload = useUpload(take);
  const copy = useAction(async () => {
    const found = await fetch(images(address) ?? "");
    if (!found.ok) throw new Error();
    await upload.run(await found.blob());
  });
  const error = copy.error ?? upload.error;
  return (
    <>
      <Button
        size="compact-xs"
        variant="default"
        w="fit-content"
        onClick={() => copy.run()}
        loading={copy.busy}
      >
        {t("message.cut.copy")}
      </Button>
      {error && <Failed error={error} what="message.uploadFailed" />}
    </>
  );
}

type FrameProps = Props & { of: Picture; cut?: Part };

function Frame({ of, cut, ratio, take, whole }: FrameProps) {
  const { t } = useTranslation();
  const images = useImages();
  const { x, y, width, height } = cut ?? largest(of, ratio);
  const before = { x, y, width, height };
  const [part, choose] = useState<Part>(before);
  const [drag, setDrag] = useState<{ from: Part; x: number; y: number }>();
  const surface = useRef<HTMLDivElement>(null);
  const use = useCut(take);
  const begin = (e: PointerEvent<HTMLElement>) => {
    if (e.button !== 0) return;
    e.currentTarget.setPointerCapture(e.pointerId);
    setDrag({ from: part, x: e.clientX, y: e.clientY });
  };
  const follow = (e: PointerEvent) => {
    const scale = of.width / (surface.current?.clientWidth || of.width);
    if (drag) choose(moved(drag.from, (e.clientX - drag.x) * scale, (e.clientY - drag.y) * scale, of));
  };
  const end = () => setDrag(undefined);
  const key = (e: KeyboardEvent) => {
    const next = byKey(part, e.key, of, ratio);
    if (!next) return;
    e.preventDefault();
    choose(next);
  };
  const share = (n: number, all: number) => Math.round((100 * n) / all);
  return (
    <Stack gap={6} role="group" aria-label={t("message.cut.title")}>
      <Text size="sm" c="dimmed">
        {t("message.cut.what")}
      </Text>
      <div ref={surface} className={style.whole} style={{ aspectRatio: `${of.width} / ${of.height}` }}>
        <img src={images(of.card_url)} alt="" draggable={false} className={style.map} />
        <button
          type="button"
          className={style.part}
          style={{
            left: `${(100 * part.x) / of.width}%`,
            top: `${(100 * part.y) / of.height}%`,
            width: `${(100 * part.width) / of.width}%`,
            height: `${(100 * part.height) / of.height}%`,
          }}
          aria-label={t("message.cut.at", {
            left: share(part.x, of.width),
            top: share(part.y, of.height),
            width: share(part.width, of.width),
          })}
          onPointerDown={begin}
          onPointerMove={follow}
          onPointerUp={end}
          onPointerCancel={end}
          onKeyDown={key}
        />
      </div>
      <Text size="xs" aria-hidden="true">
        {t("message.cut.zoom")}
      </Text>
      <Slider
        thumbLabel={t("message.cut.zoom")}
        value={zoomOf(part, of, ratio)}
        onChange={(zoom) => choose(zoomed(part, of, ratio, zoom))}
        min={1}
        max={closest}
        step={0.1}
        label={(zoom) => `${zoom.toFixed(1)} ×`}
        maw={320}
      />
      <Group gap="xs">
        <Button
          size="compact-sm"
          onClick={() => use.run({ of, part })}
          loading={use.busy}
          disabled={same(part, before)}
        >
          {t("message.cut.use")}
        </Button>
        {cut && whole && (
          <Button size="compact-sm" variant="default" onClick={() => whole(of)}>
            {t("message.cut.whole")}
          </Button>
        )}
      </Group>
      {use.error && <Failed error={use.error} what="message.cut.failed" />}
    </Stack>
  );
}
