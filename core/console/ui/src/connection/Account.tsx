import { Avatar, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { usePlace } from "../place";

type Props = { of: { name: string; basic_id: string; picture_url?: string }; children?: ReactNode };

// Account shows a LINE account by its picture, name and id. The picture comes through the
// core: no page of ours asks other hosts.
export function Account({ of, children }: Props) {
  const { merchant } = usePlace();
  const picture =
    of.picture_url && `/api/v1/merchants/${merchant.id}/picture?url=${encodeURIComponent(of.picture_url)}`;
  return (
    <Group wrap="nowrap">
      <Avatar size={56} src={picture} name={of.name} alt="" />
      <div>
        <Text fw={600}>{of.name}</Text>
        <Text size="sm" c="dimmed">
          {of.basic_id}
        </Text>
        {children}
      </div>
    </Group>
  );
}
