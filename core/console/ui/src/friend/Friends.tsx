import { Anchor, Button, Group, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { type Friend, get, type List, post } from "../api";
import { Failed, Loading, number, When } from "../parts";
import { usePlace } from "../shell";

// Friends lists who can be reached. Search words may be an email: they go by POST, never
// into the address.
export function Friends() {
  const { t, i18n } = useTranslation();
  const { at, base, channel, merchant } = usePlace();
  const [text, setText] = useState("");
  const [search] = useDebouncedValue(text.trim(), 300);
  const friends = useInfiniteQuery({
    queryKey: ["friend", "list", channel?.id, search],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      search
        ? post<List<Friend>>(`${at}/friends/search`, { text: search, cursor: pageParam || undefined })
        : get<List<Friend>>(`${at}/friends${pageParam ? `?cursor=${encodeURIComponent(pageParam)}` : ""}`),
    getNextPageParam: (page) => page.next || undefined,
  });
  const rows = friends.data?.pages.flatMap((page) => page.items) ?? [];
  const total = friends.data?.pages[0]?.total;
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1} size={20}>
          {t("menu.friends")}
        </Title>
        {total !== undefined && (
          <Text size="sm" c="dimmed">
            {t("friend.total", { n: number(total, i18n.language) })}
          </Text>
        )}
      </Group>
      <TextInput
        aria-label={t("friend.search")}
        placeholder={t("friend.search")}
        value={text}
        onChange={(e) => setText(e.currentTarget.value)}
        maw={360}
      />
      {friends.isPending && <Loading />}
      {friends.error && <Failed error={friends.error} again={() => friends.refetch()} what="friend.failed" />}
      {friends.data && rows.length === 0 && (
        <Text c="dimmed">{search ? t("friend.noMatch") : t("friend.empty")}</Text>
      )}
      {rows.length > 0 && (
        <Table.ScrollContainer minWidth={520}>
          <Table highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("friend.name")}</Table.Th>
                <Table.Th>{t("friend.linked")}</Table.Th>
                <Table.Th>{t("friend.state")}</Table.Th>
                <Table.Th>{t("friend.followed")}</Table.Th>
                <Table.Th>{t("friend.lastSent")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((f) => (
                <Table.Tr key={f.id}>
                  <Table.Td>
                    <Anchor component={Link} to={`${base}/friends/${f.id}`} size="sm">
                      {f.name || t("friend.noName")}
                    </Anchor>
                  </Table.Td>
                  <Table.Td>{f.linked ? t("friend.isLinked") : t("friend.notLinked")}</Table.Td>
                  <Table.Td>{t(`follow.${f.follow_status}`)}</Table.Td>
                  <Table.Td>
                    <When at={f.followed_at} timeZone={merchant.time_zone} />
                  </Table.Td>
                  <Table.Td>
                    <When at={f.last_sent_at} timeZone={merchant.time_zone} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {friends.hasNextPage && (
        <Button
          variant="default"
          onClick={() => friends.fetchNextPage()}
          loading={friends.isFetchingNextPage}
          maw={200}
        >
          {t("common.more")}
        </Button>
      )}
    </Stack>
  );
}
