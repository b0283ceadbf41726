import type { CSSProperties } from "react";
import { Triangle } from "./Flex";
import { Img } from "./Img";
import { action, type Json, type LineMessage, number, object, objects, text } from "./message";
import style from "./phone.module.css";
import { useScene } from "./scene";
import { Tap } from "./Tap";
import { Face } from "./Text";
import { Unknown } from "./Trouble";

// ImageMessage shows the small picture; a touch opens the whole one.
export function ImageMessage({ message }: { message: LineMessage }) {
  const { say } = useScene();
  return (
    <div className={style.photo}>
      <Img address={text(message.previewImageUrl)} alt={say("phone.photo")} className={style.photoPicture} />
    </div>
  );
}

export function VideoMessage({ message }: { message: LineMessage }) {
  const { say } = useScene();
  return (
    <div className={`${style.photo} ${style.video}`}>
      <Img address={text(message.previewImageUrl)} alt={say("phone.video")} className={style.photoPicture} />
      <Triangle />
      <span className={style.length}>-:--</span>
    </div>
  );
}

export function AudioMessage({ message }: { message: LineMessage }) {
  const seconds = Math.round((number(message.duration) ?? 0) / 1000);
  const length = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return (
    <div className={`${style.bubble} ${style.audio}`}>
      <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
        <path d="M4 2v14l12-7z" fill="currentColor" />
      </svg>
      <span className={style.wave} aria-hidden="true" />
      <span>{length}</span>
    </div>
  );
}

export function LocationMessage({ message }: { message: LineMessage }) {
  return (
    <div className={style.page}>
      <span className={`${style.pagePicture} ${style.map}`} aria-hidden="true">
        <svg width="24" height="32" viewBox="0 0 24 32" aria-hidden="true">
          <path d="M12 1a11 11 0 0 1 11 11c0 8-11 19-11 19S1 20 1 12A11 11 0 0 1 12 1z" fill="#d23f31" />
          <circle cx="12" cy="12" r="4" fill="#fff" />
        </svg>
      </span>
      <span className={style.pageHost}>{text(message.title)}</span>
      <span className={style.pageNote}>{text(message.address)}</span>
    </div>
  );
}

// Sticker is drawn by us: LINE's pictures are not ours. Its numbers say which one it is.
export function Sticker({ message }: { message: LineMessage }) {
  const { say } = useScene();
  const name = `${text(message.packageId)} / ${text(message.stickerId)}`;
  return (
    <div className={style.sticker} role="img" aria-label={say("phone.sticker", { name })}>
      <Face size={104} />
      <span className={style.stickerName}>{name}</span>
    </div>
  );
}

// Imagemap is a picture as wide as the column with areas to touch.
export function Imagemap({ message }: { message: LineMessage }) {
  const { showAreas } = useScene();
  const width = number(object(message.baseSize)?.width) ?? 1040;
  const height = number(object(message.baseSize)?.height) ?? 0;
  if (height <= 0 || width <= 0) return <Unknown path="/baseSize" />;
  const whole = { width, height };
  return (
    <div className={style.imagemap} style={{ aspectRatio: `${width} / ${height}` }}>
      <Img address={mapAddress(message)} alt={text(message.altText)} className={style.imagemapPicture} />
      {objects(message.actions).map((a, i) => (
        <Tap
          key={`${i}-${text(a.type)}`}
          action={action(a)}
          css={place(object(a.area) ?? {}, whole)}
          className={showAreas ? style.area : ""}
          name={text(a.label)}
        >
          {showAreas && <span className={style.areaNumber}>{i + 1}</span>}
        </Tap>
      ))}
    </div>
  );
}

// mapAddress is the picture that a phone of this size asks for.
const mapAddress = (message: LineMessage) => text(message.baseUrl) && `${text(message.baseUrl)}/1040`;

function place(area: Json, whole: { width: number; height: number }): CSSProperties {
  const part = (v: unknown, of: number) => `${(100 * (number(v) ?? 0)) / of}%`;
  return {
    position: "absolute",
    left: part(area.x, whole.width),
    top: part(area.y, whole.height),
    width: part(area.width, whole.width),
    height: part(area.height, whole.height),
  };
}
