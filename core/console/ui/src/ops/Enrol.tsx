import { Alert, Button, Group, Loader, Modal, Stack, Text, TextInput } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, read, type Schema } from "../api";
import { CopyField, Failed, fieldError, useAction, useFormat } from "../parts";
import type { Shop } from "./data";
import { Scope } from "./Scope";

const lookEvery = 1000;

// Enrol makes a one-time code and waits until the edge that brings it is there.
export function Enrol({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Shop[]>([]);
  const make = useAction((_: undefined, headers) =>
    read(
      api.POST("/ops/edge_codes", {
        headers,
        body: { name: name.trim(), merchants: scope.map((s) => s.id) },
      }),
    ),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.run(undefined);
  };
  const wrong = fieldError(make.error, "merchants");
  return (
    <Modal opened onClose={close} title={t("ops.enrol.title")} closeOnClickOutside={!make.result}>
      {make.result ? (
        <Waiting of={make.result} close={close} again={make.clear} />
      ) : (
        <Stack component="form" onSubmit={submit}>
          <Text size="sm">{t("ops.enrol.lead")}</Text>
          <TextInput
            label={t("ops.enrol.name")}
            description={t("ops.enrol.nameHint")}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            maxLength={80}
            data-autofocus
          />
          <Scope of={scope} set={setScope} error={wrong} />
          {make.error && !wrong && <Failed error={make.error} what="ops.enrol.failed" />}
          <Group justify="end">
            <Button variant="default" onClick={close}>
              {t("common.back")}
            </Button>
            <Button type="submit" loading={make.busy}>
              {t("ops.enrol.make")}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

type Made = Schema<"NewEdgeCodeView">;

function Waiting({ of, close, again }: { of: Made; close: () => void; again: () => void }) {
  const { t } = useTranslation();
  const { time } = useFormat();
  const found = useQuery({
    queryKey: ["ops code", of.id],
    queryFn: () => read(api.GET("/ops/edge_codes/{code}", { params: { path: { code: of.id } } })),
    refetchInterval: lookEvery,
    retry: false,
  });
  const now = found.data ?? of;
  const edge = now.edge;
  const there = edge && edge.state !== "waiting";
  return (
    <Stack>
      {now.state === "waiting" && (
        <>
          <Text size="sm">{t("ops.enrol.use", { time: of.expires_at ? time(of.expires_at) : "-" })}</Text>
          <CopyField label="LUMO_EDGE_ENROL" value={of.code} />
          <Group gap="xs" role="status" wrap="nowrap">
            <Loader size="xs" aria-hidden="true" />
            <Text size="sm">{t("ops.enrol.wait")}</Text>
          </Group>
        </>
      )}
      {now.state === "over" && (
        <Alert color="yellow" variant="light" role="status">
          <Text size="sm">{t("ops.enrol.over")}</Text>
        </Alert>
      )}
      {edge && (
        <Alert
          color="teal"
          variant="light"
          icon={<IconCircleCheck stroke={1.5} />}
          role="status"
          styles={{ message: { color: "var(--lumo-text)" } }}
        >
          <Text size="sm">{t(there ? "ops.enrol.there" : "ops.enrol.used", { name: edge.name })}</Text>
        </Alert>
      )}
      {found.error && <Failed error={found.error} what="ops.enrol.unknown" />}
      <Group justify="end">
        <Button variant="default" onClick={close}>
          {t("common.back")}
        </Button>
        {now.state === "over" && <Button onClick={again}>{t("ops.enrol.another")}</Button>}
        {edge && (
          <Button component={Link} to={`/ops/edges/${edge.id}`}>
            {t("ops.enrol.see", { name: edge.name })}
          </Button>
        )}
      </Group>
    </Stack>
  );
}
