import { Button, CloseButton, Group, Menu, Pill, Popover, Stack, Text } from "@mantine/core";
import { IconCheck, IconChevronDown } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { SavedFilters, type SavedList } from "./SavedFilters";
import { SearchBox } from "./SearchBox";

export type Choice = {
  name: string; // in the address, where only ids and fixed words stand
  label: string;
  options: { value: string; label: string }[];
  search?: (words: string) => void; // there are more than are listed: asks for those of the words
};

// useFilters keeps the filters of a list in the address, so that Back restores them. Search
// words are no part of it: they may be an email.
export function useFilters(names: readonly string[]) {
  const [params, setParams] = useSearchParams();
  const values: Record<string, string> = {};
  for (const name of names) {
    const value = params.get(name);
    if (value) values[name] = value;
  }
  // The address is ahead of what is drawn: of two changes in a row both count.
  const change = (of: (next: URLSearchParams) => void) =>
    setParams(() => {
      const next = new URLSearchParams(location.search);
      of(next);
      return next;
    });
  const put = (next: URLSearchParams, name: string, value?: string) =>
    value ? next.set(name, value) : next.delete(name);
  const set = (name: string, value?: string) => change((next) => put(next, name, value));
  const choose = (chosen: Record<string, string>) =>
    change((next) => {
      for (const name of names) put(next, name, chosen[name]);
    });
  const clear = () => choose({});
  return { values, set, clear, choose, any: Object.keys(values).length > 0 };
}

type Props = {
  of: Choice[];
  filters: ReturnType<typeof useFilters>;
  saved: SavedList; // whose filters can be saved under a name
  children?: ReactNode;
};

// Choices are the filters of a list: those in force are chips that read as words.
export function Choices({ of, filters, saved, children }: Props) {
  const { t } = useTranslation();
  return (
    <Group gap="xs">
      {children}
      {of.map((choice) => {
        const value = filters.values[choice.name];
        const chosen = choice.options.find((o) => o.value === value);
        if (value)
          return (
            <Pill.Group key={choice.name}>
              <Pill
                size="lg"
                component="span"
                fz="sm"
                styles={{ label: { display: "flex", alignItems: "center" } }}
              >
                {choice.label}: {chosen?.label ?? value}
                <CloseButton
                  size="sm"
                  ml={4}
                  aria-label={t("common.removeFilter", { name: choice.label })}
                  onClick={() => filters.set(choice.name)}
                />
              </Pill>
            </Pill.Group>
          );
        const Offered = choice.search ? Searched : Options;
        return <Offered key={choice.name} choice={choice} set={filters.set} />;
      })}
      {filters.any && (
        <Button size="compact-sm" variant="subtle" onClick={filters.clear}>
          {t("common.clearFilters")}
        </Button>
      )}
      <SavedFilters list={saved} filters={filters} />
    </Group>
  );
}

type Offer = { choice: Choice; set: (name: string, value?: string) => void };

function Options({ choice, set }: Offer) {
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button size="xs" variant="default" rightSection={<IconChevronDown size={14} aria-hidden="true" />}>
          {choice.label}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={320} style={{ overflowY: "auto" }}>
        {choice.options.map((o) => (
          <Menu.Item
            key={o.value}
            leftSection={<IconCheck size={14} style={{ visibility: "hidden" }} aria-hidden="true" />}
            onClick={() => set(choice.name, o.value)}
          >
            {o.label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

// Searched offers more than can be listed: those that the words typed find.
function Searched({ choice, set }: Offer) {
  const { t } = useTranslation();
  return (
    <Popover position="bottom-start" trapFocus onClose={() => choice.search?.("")}>
      <Popover.Target>
        <Button size="xs" variant="default" rightSection={<IconChevronDown size={14} aria-hidden="true" />}>
          {choice.label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown mah={360} style={{ overflowY: "auto" }} aria-label={choice.label}>
        <SearchBox
          label={t("common.searchIn", { name: choice.label })}
          onSearch={(words) => choice.search?.(words)}
        />
        <Stack gap={0} mt="xs" align="stretch">
          {choice.options.map((o) => (
            <Button
              key={o.value}
              variant="subtle"
              size="sm"
              justify="start"
              onClick={() => set(choice.name, o.value)}
            >
              {o.label}
            </Button>
          ))}
          {choice.options.length === 0 && <Text size="sm">{t("common.noneFound")}</Text>}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
