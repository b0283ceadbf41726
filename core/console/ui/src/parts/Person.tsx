import { Anchor, Avatar, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { usePlace } from "../place";

type Props = { friend?: { id: string; name?: string } | null; name?: string; picture?: boolean };

// Person leads to a friend; somebody without a friend is just named.
export function Person({ friend, name, picture }: Props) {
  const { t } = useTranslation();
  const { base } = usePlace();
  if (!friend) return <Text span>{name || "-"}</Text>;
  const shown = friend.name || t("common.noName");
  const link = (
    <Anchor component={Link} to={`${base}/friends/${friend.id}`} inherit>
      {shown}
    </Anchor>
  );
  if (!picture) return link;
  return (
    <Group gap="xs" wrap="nowrap">
      <Avatar name={shown} size="sm" alt="" aria-hidden="true" />
      {link}
    </Group>
  );
}
