import { type CSSProperties, useState } from "react";
import { hostOf } from "./address";
import style from "./phone.module.css";
import { useScene } from "./scene";

type Props = { address: string; alt?: string; css?: CSSProperties; className?: string };

// Img is a picture of a message. Where it cannot be had, its place is grey and says why; the
// phone itself fetches nothing that resolveImage did not name.
export function Img({ address, alt = "", css, className = "" }: Props) {
  const { say, resolveImage } = useScene();
  const [failed, setFailed] = useState("");
  if (!address) return <Missing css={css} className={className} reason={say("phone.noAddress")} broken />;
  const source = resolveImage?.(address);
  if (source !== undefined && typeof source !== "string")
    return <Missing css={css} className={className} reason={say("phone.broken", source)} broken />;
  const host = hostOf(address);
  if (source === undefined)
    return <Missing css={css} className={className} reason={say("phone.picture", { host })} />;
  if (failed === source)
    return (
      <Missing
        css={css}
        className={className}
        broken
        reason={say("phone.broken", { reason: say("phone.noAnswer", { host }) })}
      />
    );
  return <img src={source} alt={alt} className={className} style={css} onError={() => setFailed(source)} />;
}

type MissingProps = { reason: string; broken?: boolean; css?: CSSProperties; className?: string };

function Missing({ reason, broken, css, className = "" }: MissingProps) {
  return (
    <span className={`${style.missing} ${broken ? style.brokenPicture : ""} ${className}`} style={css}>
      {broken && <CrossedPicture />}
      <span>{reason}</span>
    </span>
  );
}

const CrossedPicture = () => (
  <svg width="28" height="24" viewBox="0 0 28 24" aria-hidden="true">
    <rect x="1.5" y="2" width="25" height="20" rx="3" fill="none" stroke="currentColor" strokeWidth="2" />
    <path d="m5 18 6-7 5 5 3-3 4 5" fill="none" stroke="currentColor" strokeWidth="2" />
    <path d="M2 23 26 1" stroke="currentColor" strokeWidth="2" />
  </svg>
);
