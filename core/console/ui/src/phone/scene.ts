import { createContext, useContext } from "react";
import type { Action } from "./message";
import type { Say } from "./words";

// Broken is why a picture cannot be shown, in the reader's words.
export type Broken = { reason: string };

// ResolveImage gives the address that a picture is loaded from, or why there is none.
export type ResolveImage = (address: string) => string | Broken | undefined;

// Gap is a variable that had no value: where in which text, and what the marketer calls it.
// path is a JSON pointer into the message; without it the text of a text message is meant.
export type Gap = { at: number; name: string; path?: string };

// Scene is what every part of a message needs to be drawn.
export type Scene = {
  say: Say;
  gaps: Gap[];
  showAreas?: boolean;
  onAction?: (action: Action) => void;
  resolveImage?: ResolveImage;
};

const SceneContext = createContext<Scene | undefined>(undefined);
export const SceneProvider = SceneContext.Provider;

export function useScene(): Scene {
  const scene = useContext(SceneContext);
  if (!scene) throw new Error("A part of a message is drawn outside of a phone.");
  return scene;
}
