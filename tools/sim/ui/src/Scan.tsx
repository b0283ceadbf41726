import { type ClipboardEvent, useEffect, useRef, useState } from "react";
import { useSay } from "./words";

type Props = { scan: (how: { url?: string; image?: string; email?: boolean }) => Promise<boolean> };

// Scan reads a QR code: by the camera, from a picture that is pasted or chosen, of the last
// email, or by its address.
export function Scan({ scan }: Props) {
  const say = useSay();
  const [address, setAddress] = useState("");
  const [camera, setCamera] = useState(false);
  const read = async (file: Blob | undefined | null) => {
    if (file) await scan({ image: await asPNG(await createImageBitmap(file)) });
  };
  const paste = (e: ClipboardEvent) => read([...e.clipboardData.items].find((i) => i.type.startsWith("image/"))?.getAsFile());
  return (
    <section className="panel" onPaste={paste} aria-label={say("scan")}>
      <h2>{say("scan")}</h2>
      <button type="button" onClick={() => scan({ email: true })}>{say("scanMail")}</button>
      <div className="row">
        <button type="button" aria-pressed={camera} onClick={() => setCamera(!camera)}>{say(camera ? "stopCamera" : "camera")}</button>
        <label>{say("picture")} <input type="file" accept="image/*" onChange={(e) => read(e.currentTarget.files?.[0])} /></label>
      </div>
      {camera && <Camera scan={scan} stop={() => setCamera(false)} />}
      <label>{say("paste")} <input readOnly value="" /></label>
      <form className="row" onSubmit={(e) => { e.preventDefault(); scan({ url: address }); }}>
        <label>{say("address")} <input value={address} onChange={(e) => setAddress(e.currentTarget.value)} /></label>
        <button type="submit" disabled={!address}>{say("open")}</button>
      </form>
    </section>
  );
}

// Camera looks twice a second until it sees a code.
function Camera({ scan, stop }: Props & { stop: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState("");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the camera is begun once
  useEffect(() => {
    let tracks: MediaStreamTrack[] = [];
    let timer: ReturnType<typeof setTimeout>;
    let gone = false;
    const look = async () => {
      const v = video.current;
      if (gone || !v) return;
      if (v.videoWidth > 0 && (await scan({ image: await asPNG(await createImageBitmap(v)) }))) return stop();
      timer = setTimeout(look, 500);
    };
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).then(
      (stream) => {
        tracks = stream.getTracks();
        if (video.current) video.current.srcObject = stream;
        look();
      },
      (e: Error) => setProblem(e.message),
    );
    return () => {
      gone = true;
      clearTimeout(timer);
      for (const track of tracks) track.stop();
    };
  }, []);
  if (problem) return <p role="alert">{problem}</p>;
  return <video ref={video} className="camera" autoPlay muted playsInline />;
}

// asPNG gives a picture of any kind as the base64 of a PNG.
async function asPNG(bitmap: ImageBitmap): Promise<string> {
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, 1200 / Math.max(bitmap.width, bitmap.height));
  canvas.width = bitmap.width * scale;
  canvas.height = bitmap.height * scale;
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png").split(",")[1] ?? "";
}
