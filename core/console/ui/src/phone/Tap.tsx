import type { CSSProperties, ReactNode } from "react";
import { type Action, text } from "./message";
import style from "./phone.module.css";
import { useScene } from "./scene";
import type { Say } from "./words";

type Props = { action?: Action; className?: string; css?: CSSProperties; name?: string; children: ReactNode };

// Tap is a part of a message that can be touched. It may hold further ones, so the button
// that keyboards and screen readers use lies beside its contents and covers them.
export function Tap({ action, className = "", css, name, children }: Props) {
  const { onAction, say } = useScene();
  if (!action || !onAction)
    return (
      <div className={className} style={css}>
        {children}
      </div>
    );
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the button inside is what keys reach
    // biome-ignore lint/a11y/noStaticElementInteractions: and what is announced
    <div
      className={`${className} ${style.tappable}`}
      style={css}
      onClick={(e) => {
        e.stopPropagation();
        onAction(action);
      }}
    >
      <button type="button" className={style.cover} aria-label={name || actionName(action, say)} />
      {children}
    </div>
  );
}

// actionName is what a tap does, in words.
export function actionName(action: Action, say: Say): string {
  if ("label" in action && action.label) return action.label;
  switch (action.type) {
    case "uri":
      return action.uri;
    case "message":
      return action.text;
    case "clipboard":
      return say("phone.copies", { text: action.clipboardText });
    default:
      return say("phone.tap", { kind: text(action.type) });
  }
}
