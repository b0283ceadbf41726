import { Badge, Group, List, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Schema } from "../api";
import { short } from "../phone/address";

// Links are the addresses of a block whose taps are counted, each with where it leads.
export function Links({ of }: { of: Schema<"TrackedView">[] }) {
  const { t } = useTranslation();
  const seen = of.filter((one, i) => of.findIndex((o) => o.target === one.target) === i);
  if (seen.length === 0) return null;
  return (
    <>
      <Text size="sm" fw={600} mt="sm">
        {t("message.links")}
      </Text>
      <List listStyleType="none" size="sm" aria-label={t("message.links")}>
        {seen.map((one) => (
          <List.Item key={one.target}>
            <Group gap="xs">
              <span style={{ overflowWrap: "anywhere" }}>{short(one.address)}</span>
              <Badge variant="light" tt="none">
                {t("message.tracked")}
              </Badge>
            </Group>
            {one.target !== one.address && (
              <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                {t("message.leadsTo", { address: one.target })}
              </Text>
            )}
          </List.Item>
        ))}
      </List>
      {seen[0]?.begin && (
        <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {t("message.begins", { address: seen[0].begin })}
        </Text>
      )}
    </>
  );
}
