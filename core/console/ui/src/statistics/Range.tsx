import { Button, Group, SegmentedControl, Select, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useNavigate } from "react-router";
import { useFilters, useFormat } from "../parts";
import { account, usePlace } from "../place";
import { type Days, last, length, longest, today, wrong } from "./days";
import { all, useTogether } from "./together";

const presets = ["7", "30", "90"];
const usual = "30";

// useRange keeps the range in the address: a number of days up to today, or a first and a last one.
export function useRange() {
  const { merchant } = usePlace();
  const { values, choose } = useFilters(["days", "from", "to"]);
  const now = today(merchant.time_zone);
  const own = Boolean(values.from || values.to);
  const preset = presets.find((n) => n === values.days) ?? usual;
  const days: Days = own ? { from: values.from ?? "", to: values.to ?? "" } : last(Number(preset), now);
  return { days, own, preset, now, wrong: wrong(days), choose };
}

// Range chooses the days: those up to today, or any others.
export function Range({ of }: { of: ReturnType<typeof useRange> }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <Account />
      <SegmentedControl
        aria-label={t("statistics.range")}
        w="fit-content"
        value={of.own ? "own" : of.preset}
        onChange={(v) => of.choose(v === "own" ? of.days : v === usual ? {} : { days: v })}
        data={[
          ...presets.map((n) => ({ value: n, label: t("statistics.days", { n }) })),
          { value: "own", label: t("statistics.own") },
        ]}
      />
      {of.own && <Own key={`${of.days.from} ${of.days.to}`} of={of} />}
    </Stack>
  );
}

// Account chooses whose figures these are, or those of all, and keeps the days; with one account it
// is no choice.
export function Account() {
  const { t } = useTranslation();
  const { base, channels, channel, shop } = usePlace();
  const together = useTogether();
  const navigate = useNavigate();
  const { search } = useLocation();
  const to = (id: string | null) => {
    const of = channels.find((c) => c.id === id);
    const next = new URLSearchParams(search);
    if (of) next.delete("accounts");
    else next.set("accounts", all);
    navigate(`${of ? `${shop}/oa/${account(of)}` : base}/statistics?${next}`);
  };
  if (channels.length < 2) return null;
  return (
    <Select
      label={t("statistics.account")}
      data={[
        { value: all, label: t("statistics.allAccounts") },
        ...channels.map((c) => ({ value: c.id, label: `${c.name} ${c.basic_id}` })),
      ]}
      value={together ? all : (channel?.id ?? null)}
      onChange={to}
      allowDeselect={false}
      maw={320}
    />
  );
}

// Own asks for a first and a last day; what is typed counts once it is asked for.
function Own({ of }: { of: ReturnType<typeof useRange> }) {
  const { t } = useTranslation();
  const { count } = useFormat();
  const [days, setDays] = useState(of.days);
  const sentence = useId();
  const show = (e: FormEvent) => {
    e.preventDefault();
    of.choose(days);
  };
  const field = (name: "from" | "to") => (
    <TextInput
      type="date"
      label={t(`statistics.${name}`)}
      value={days[name]}
      max={of.now}
      error={Boolean(of.wrong)}
      aria-describedby={of.wrong && sentence}
      onChange={(e) => setDays({ ...days, [name]: e.currentTarget.value })}
      miw={150}
    />
  );
  return (
    <form onSubmit={show} noValidate>
      <Group align="end" gap="sm">
        {field("from")}
        {field("to")}
        <Button type="submit" variant="default">
          {t("statistics.show")}
        </Button>
      </Group>
      {of.wrong && (
        <Text id={sentence} role="alert" size="sm" c="var(--lumo-bad)" mt="xs">
          {t(`statistics.wrong.${of.wrong}`, { n: count(length(of.days)), most: longest })}
        </Text>
      )}
    </form>
  );
}
