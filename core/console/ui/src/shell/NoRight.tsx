import { Button } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Empty, Page } from "../parts";
import { usePlace } from "../place";

// NoRight stands where a screen is that this member may not open.
export function NoRight() {
  const { t } = useTranslation();
  const { base } = usePlace();
  return (
    <Page title={t("noRight.title")}>
      <Empty
        kind="new"
        icon={<IconLock size={40} stroke={1.5} aria-hidden="true" />}
        title={t("noRight.text")}
        action={
          <Button component={Link} to={base}>
            {t("menu.home")}
          </Button>
        }
      />
    </Page>
  );
}
