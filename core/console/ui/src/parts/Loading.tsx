import { Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

export const quietFor = 150; // ms without anything
export const slowAfter = 3000; // ms until the sentence

type Shape = "page" | "list" | "cards" | "lines";

// Loading shows nothing for 150 ms, then the shape of what comes, after 3 s a sentence.
export function Loading({ shape = "page", cancel }: { shape?: Shape; cancel?: () => void }) {
  const { t } = useTranslation();
  const since = useElapsed();
  if (since < quietFor) return null;
  return (
    <Stack aria-busy="true" data-testid="loading">
      {shape === "page" && <Skeleton height={28} width={220} />}
      {heights[shape].map((height, i) => (
        <Skeleton key={i} height={height} />
      ))}
      <div role="status">
        {since >= slowAfter && (
          <Group>
            <Text size="sm">{t("common.slow")}</Text>
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
