import { Button, Card, Stack, Text, Title } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type FriendDetail, read } from "../api";
import { Failed, useAction, useUndo, When } from "../parts";
import { usePlace } from "../place";
import { Fact } from "./Fact";
import { LinkSteps } from "./LinkSteps";
import { LinkTo } from "./LinkTo";
import { Proof } from "./Proof";
import { useCustomerNames } from "./useCustomerNames";

const one = "/merchants/{merchant}/channels/{channel}/friends/{friend}" as const;

// useUndoStep takes a step of a friend's links back.
export function useUndoStep(friend: string) {
  const { path } = usePlace();
  const client = useQueryClient();
  return async (step: string) => {
    await read(api.POST(`${one}/links/{step}/undo`, { params: { path: { ...path, friend, step } } }));
    await client.invalidateQueries({ queryKey: ["friend"] });
  };
}

// LinkBox says which customer this is, how sure that is and how it came to be.
export function LinkBox({ of: f }: { of: FriendDetail }) {
  const { t } = useTranslation();
  const { mayChange } = usePlace();
  return (
    <Card withBorder component="section" aria-label={t("friend.linked")}>
      <Stack gap="xs">
        <Title order={2}>{t("friend.linked")}</Title>
        {f.link ? <Linked of={f} /> : <Text size="sm">{t("friend.onlyLinked")}</Text>}
        {!f.link && mayChange && <Unlinked of={f} />}
        <LinkSteps friend={f.id} />
      </Stack>
    </Card>
  );
}

function Linked({ of: f }: { of: FriendDetail }) {
  const { t } = useTranslation();
  const { path, mayChange } = usePlace();
  const client = useQueryClient();
  const { offer } = useUndo();
  const undoStep = useUndoStep(f.id);
  const name = useCustomerNames([f]).get(f.profile_id ?? "");
  const unlink = useAction(async (_: undefined, headers) => {
    const done = await read(
      api.POST(`${one}/unlink`, { params: { path: { ...path, friend: f.id } }, headers }),
    );
    await client.invalidateQueries({ queryKey: ["friend"] });
    offer({ text: t("friend.unlinked"), undo: () => undoStep(done.step) });
    return done;
  });
  return (
    <>
      <Fact name={t("friend.profile")}>
        {name && `${name} · `}
        {f.link?.profile_id}
      </Fact>
      <Fact name={t("friend.method")}>
        {t(`linkMethod.${f.link?.method}`)} · {t(`assurance.${f.link?.assurance}`)}
      </Fact>
      <Fact name={t("friend.linkedAt")}>
        <When at={f.link?.linked_at} />
      </Fact>
      {f.link && (
        <Fact name={t("friend.proof")}>
          <Proof of={f.link} friend={f.id} />
        </Fact>
      )}
      {mayChange && (
        <Button
          variant="default"
          size="xs"
          w="fit-content"
          loading={unlink.busy}
          onClick={() => unlink.run(undefined)}
        >
          {t("friend.unlink")}
        </Button>
      )}
      {unlink.error && <Failed error={unlink.error} what="friend.changeFailed" />}
    </>
  );
}

function Unlinked({ of: f }: { of: FriendDetail }) {
  const { t } = useTranslation();
  const { base } = usePlace();
  const [opened, setOpened] = useState(false);
  const [inReview, setInReview] = useState(false);
  return (
    <>
      <Button size="xs" w="fit-content" onClick={() => setOpened(true)}>
        {t("friend.linkTo")}
      </Button>
      {inReview && (
        <Text size="sm" role="status">
          {t("friend.linkInReview")} <Link to={`${base}/linking/review`}>{t("linking.review.title")}</Link>
        </Text>
      )}
      <LinkTo of={f} opened={opened} close={() => setOpened(false)} toReview={() => setInReview(true)} />
    </>
  );
}
