import { Alert, Button, Group, List, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api";
import { Page } from "./Page";

type Props = {
  error: Error;
  again?: () => void;
  // what names the sentence: what failed and whether anything was changed.
  what: string;
  labels?: Record<string, string>; // of fields that need another value
  page?: string; // the title of the screen, where nothing else of it can be shown
};

// Failed says where it happened what could not be done, and offers the next step.
export function Failed({ error, again, what, labels = {}, page }: Props) {
  const { t } = useTranslation();
  const known = error instanceof ApiError ? error : undefined;
  const fields = Object.entries(known?.fields ?? {});
  const alert = (
    <Alert color="red" variant="light" title={t(what)} role="alert" icon={<IconAlertTriangle stroke={1.5} />}>
      <Group>
        <Text size="sm">
          {fields.length === 0 && (known?.message || t("common.unreachable"))}
          {known?.request && ` (${known.request})`}
        </Text>
        {again && (
          <Button size="xs" variant="default" onClick={again}>
            {t("common.again")}
          </Button>
        )}
      </Group>
      {fields.length > 0 && (
        <List size="sm">
          {fields.map(([field, sentence]) => (
            <List.Item key={field}>{labels[field] ? `${labels[field]}: ${sentence}` : sentence}</List.Item>
          ))}
        </List>
      )}
    </Alert>
  );
  return page ? <Page title={page}>{alert}</Page> : alert;
}

// fieldError is what a field needs, for its error under it.
export const fieldError = (error: Error | undefined, field: string) =>
  error instanceof ApiError ? error.fields[field] : undefined;
