import { Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Page } from "./Page";

export const quietFor = 150; // ms without anything
export const slowAfter = 3000; // ms until the sentence

type Shape = "page" | "list" | "cards" | "lines";

type Props = {
  shape?: Shape;
  cancel?: () => void;
  page?: string; // the title of the screen, where nothing else of it can be shown yet
};

// Loading shows nothing for 150 ms, then the shape of what comes, after 3 s a sentence.
export function Loading({ shape = "page", cancel, page }: Props) {
  const { t } = useTranslation();
  const since = useElapsed();
  if (since < quietFor) return null;
  const shapes = (
    <Stack aria-busy="true" data-testid="loading">
      {shape === "page" && !page && <Skeleton height={28} width={220} />}
      {heights[shape].map((height, i) => (
        <Skeleton key={i} height={height} />
      ))}
      <div role="status">
        {since >= slowAfter && (
          <Group>
            <Text size="sm">{t(shape === "list" ? "common.slowList" : "common.slow")}</Text>
            {cancel && (
              <Button size="xs" variant="default" onClick={cancel}>
                {t("common.cancelLoading")}
              </Button>
            )}
          </Group>
        )}
      </div>
    </Stack>
  );
  return page ? <Page title={page}>{shapes}</Page> : shapes;
}

const heights: Record<Shape, number[]> = {
  page: [80, 160],
  list: Array.from({ length: 8 }, () => 28),
  cards: [96, 96],
  lines: [16, 16, 16],
};

// useElapsed tells which of the two thresholds have passed since it began.
export function useElapsed(): number {
  const [since, setSince] = useState(0);
  useEffect(() => {
    const timers = [quietFor, slowAfter].map((ms) => setTimeout(() => setSince(ms), ms));
    return () => timers.forEach(clearTimeout);
  }, []);
  return since;
}
