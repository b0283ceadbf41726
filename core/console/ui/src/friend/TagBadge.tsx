import { Badge, Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, read, type Schema } from "../api";
import { usePlace } from "../place";

export type Tag = Schema<"TagView">;

// The eight colours of tags, with measured contrast on their tint; each has its own dot, so
// that colour is never alone.
const tones = ["good", "held", "bad", "moving", "checking", "calm", "good", "moving"] as const;
const dots = ["●", "■", "▲", "◆", "★", "○", "□", "△"];

// useTags are the account's tags in use.
export function useTags() {
  const { path } = usePlace();
  return useQuery({
    queryKey: ["friend", "tags", path.channel],
    queryFn: () => read(api.GET("/merchants/{merchant}/channels/{channel}/tags", { params: { path } })),
  });
}

// TagBadge is a tag as it stands on a friend.
export function TagBadge({ of }: { of: Pick<Tag, "name" | "color"> }) {
  const tone = tones[(of.color - 1) % tones.length];
  return (
    <Badge
      tt="none"
      style={{ color: `var(--lumo-${tone})`, backgroundColor: `var(--lumo-${tone}-tint)` }}
      leftSection={<span aria-hidden="true">{dots[(of.color - 1) % dots.length]}</span>}
    >
      {of.name}
    </Badge>
  );
}

// TagBadges are those of a friend, by their ids.
export function TagBadges({ ids }: { ids: string[] }) {
  const tags = useTags();
  const known = new Map(tags.data?.items.map((t) => [t.id, t]));
  return (
    <Group gap={4}>
      {ids.map((id) => {
        const tag = known.get(id);
        return tag ? <TagBadge key={id} of={tag} /> : null;
      })}
    </Group>
  );
}
