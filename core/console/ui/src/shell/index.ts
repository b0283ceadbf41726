export { usePlace } from "../place";
export { Shell } from "./Shell";
