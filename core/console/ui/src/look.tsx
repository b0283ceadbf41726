import { MantineProvider, mergeThemeOverrides } from "@mantine/core";
import { type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { resolver, theme } from "./theme";

// Look gives everything below it Lumo's colours and shapes, and every dialog a close button with
// a name in the language of the page.
export function Look({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const close = t("common.close");
  const named = useMemo(
    () =>
      mergeThemeOverrides(theme, {
        components: { ModalCloseButton: { defaultProps: { "aria-label": close } } },
      }),
    [close],
  );
  return (
    <MantineProvider theme={named} cssVariablesResolver={resolver} defaultColorScheme="auto">
      {children}
    </MantineProvider>
  );
}
