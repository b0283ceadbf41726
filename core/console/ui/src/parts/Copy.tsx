import { Button, Code, CopyButton, Group, Stack, Text, VisuallyHidden } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

// Copy puts a value on the clipboard and says so beside itself.
export function Copy({ value, what, size = "xs" }: { value: string; what: string; size?: "xs" | "sm" }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <>
          <Button
            size={size}
            variant="default"
            onClick={copy}
            style={{ flexShrink: 0 }}
            leftSection={
              copied ? <IconCheck size={14} aria-hidden="true" /> : <IconCopy size={14} aria-hidden="true" />
            }
          >
            {copied ? t("common.copied") : t("common.copy")}
            <VisuallyHidden>: {what}</VisuallyHidden>
          </Button>
          <VisuallyHidden role="status">{copied ? t("common.copied") : ""}</VisuallyHidden>
        </>
      )}
    </CopyButton>
  );
}

// CopyField is a value to carry elsewhere: its name, the value whole, and Copy.
export function CopyField({ label, value, block }: { label: string; value: string; block?: boolean }) {
  return (
    <Stack gap={4}>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Group align="start" wrap={block ? "wrap" : "nowrap"} gap="xs">
        <Code
          block={block}
          style={{ flex: 1, minWidth: 0, overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}
        >
          {value}
        </Code>
        <Copy value={value} what={label} />
      </Group>
    </Stack>
  );
}
