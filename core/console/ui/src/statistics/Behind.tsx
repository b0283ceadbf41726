import { Anchor } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFormat } from "../parts";
import type { Days } from "./days";
import { useWhose } from "./together";

export type Whom = "sent" | "not_sent" | "failed" | "opened" | "clicked" | "joined" | "linked";

export const query = ({ from, to }: Days) => `from=${from}&to=${to}`;

type Props = {
  whom: Whom;
  n: number;
  range: string;
  narrow?: Record<string, string>; // message, link, qr_code or reason
  name?: string; // of what it is narrowed to
  channel?: string; // whose it is, where all LINE accounts are shown
  children?: string; // the figure as it is shown, when it is more than its number
};

// Behind is a figure that opens the people behind it; nobody stands behind 0. Those of several LINE
// accounts stand behind the figures of each.
export function Behind({ whom, n, range, narrow = {}, name, channel, children }: Props) {
  const { t } = useTranslation();
  const whose = useWhose()(channel);
  const { count } = useFormat();
  const shown = children ?? count(n);
  if (n === 0 || !whose) return shown;
  const what = t(`statistics.people.${whom}`);
  const of = new URLSearchParams(narrow).toString();
  return (
    <Anchor
      component={Link}
      inherit
      to={`${whose.base}/statistics/people/${whom}?${range}${of && `&${of}`}`}
      aria-label={t("statistics.people.open", { n: shown, what: name ? `${what}, ${name}` : what })}
    >
      {shown}
    </Anchor>
  );
}
