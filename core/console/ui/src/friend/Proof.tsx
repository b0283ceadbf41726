import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { type FriendDetail, get, type Schema } from "../api";
import { usePlace } from "../place";
import { useSteps, useWho } from "./LinkSteps";

type Linked = NonNullable<FriendDetail["link"]>;

const made = ["linked", "raised", "moved"]; // steps that a link has its evidence from

// Proof says what a link rests on: what was claimed and how, where, and by whom.
export function Proof({ of: l, friend }: { of: Linked; friend: string }) {
  const { t, i18n } = useTranslation();
  const { base } = usePlace();
  const who = useWho();
  const steps = useSteps(friend);
  const step = steps.data?.items.find((s) => made.includes(s.step) && s.profile_id === l.profile_id);
  const { merged, claim, code, run, conflict } = l.evidence as Record<string, string | undefined>;
  const exact = `friend.proof.${l.method}.${claim}`;
  const sentence = merged ? "friend.proof.merged" : i18n.exists(exact) ? exact : `friend.proof.${l.method}`;
  return (
    <>
      <div>{t(sentence)}</div>
      {code && l.method === "qr" && <CodeLink id={code} />}
      {run && l.method === "import" && (
        <Anchor component={Link} to={`${base}/linking/import/${run}`} size="sm" display="block">
          {t("friend.proof.run")}
        </Anchor>
      )}
      <Text size="xs" c="dimmed">
        {conflict && `${t("friend.proof.decided")} `}
        {step && who(step)}
      </Text>
    </>
  );
}

// CodeLink leads to the code that was scanned. One that is gone has no name.
function CodeLink({ id }: { id: string }) {
  const { at, base } = usePlace();
  const code = useQuery({
    queryKey: ["linking", "code", id, "name"],
    queryFn: () => get<Schema<"CodeView">>(`${at}/qr_codes/${id}`),
    retry: false,
  });
  if (!code.data) return null;
  return (
    <Anchor component={Link} to={`${base}/linking/qr/${id}`} size="sm" display="block">
      {code.data.name}
    </Anchor>
  );
}
