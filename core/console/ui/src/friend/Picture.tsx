import { Avatar } from "@mantine/core";
import type { Friend } from "../api";
import { usePlace } from "../place";
import { pictureOf } from "./picture";

type Props = { of: Pick<Friend, "name" | "picture_url">; size: "sm" | "lg" };

// Picture is a friend's picture in LINE, or their initials. The name stands beside it.
export function Picture({ of, size }: Props) {
  const { merchant } = usePlace();
  return (
    <Avatar
      src={pictureOf(merchant.id, of.picture_url, size === "sm")}
      name={of.name}
      size={size}
      imageProps={{ loading: "lazy" }}
      alt=""
      aria-hidden="true"
    />
  );
}
