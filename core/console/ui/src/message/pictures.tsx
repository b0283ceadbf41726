import { SimpleGrid } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Drawing, Label, line, Ring, Value } from "../connection/pictures";

// Own drawings of Klaviyo's webhook action: where a thing goes, not how it looks. Klaviyo's
// editor is in English for everybody.

const Host = () => (
  <Label x={60} y={20}>
    klaviyo.com › Flows › Webhook
  </Label>
);

const Box = ({ y, height, rows }: { y: number; height: number; rows: string[] }) => (
  <>
    <rect x="126" y={y} width="274" height={height} rx="5" fill="var(--lumo-card)" stroke={line} />
    {rows.map((row, i) => (
      <Label key={row} x={136} y={y + 17 + i * 17}>
        {row}
      </Label>
    ))}
  </>
);

const Button = ({ x, text }: { x: number; text: string }) => (
  <>
    <rect x={x} y="42" width="86" height="26" rx="6" fill="var(--lumo-line)" stroke={line} />
    <Label x={x + 43} y={59} anchor="middle" strong>
      {text}
    </Label>
  </>
);

// WebhookPictures lead from the three values to a message on one's own phone.
export function WebhookPictures() {
  const { t } = useTranslation();
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }}>
      <Drawing title={t("json.draw1")} text={`1. ${t("json.guide1")}`}>
        <Host />
        <Value y={62} label="Destination URL" value="1" />
        <Value y={94} label="Headers" value="2" />
        <Label x={126} y={126}>
          Body
        </Label>
        <Box y={134} height={62} rows={["3", '{ "lumo": 1, …', "}"]} />
        <Ring x={118} y={40} width={290} height={162} />
      </Drawing>
      <Drawing title={t("json.draw2")} text={`2. ${t("json.guide2")}`}>
        <Host />
        <Button x={126} text="Preview" />
        <Ring x={120} y={36} width={98} height={38} />
        <Box y={92} height={96} rows={["Yuki S.", '{ "lumo": 1, …', '"first_name": "Yuki"', "}"]} />
      </Drawing>
      <Drawing title={t("json.draw3")} text={`3. ${t("json.guide3")}`}>
        <Host />
        <Button x={126} text="Send test" />
        <Ring x={120} y={36} width={98} height={38} />
        <Label x={126} y={116}>
          Status
        </Label>
        <rect x="240" y="98" width="160" height="26" rx="6" fill="var(--lumo-card)" stroke={line} />
        <Label x={250} y={116} strong>
          Draft → Live
        </Label>
        <Ring x={234} y={92} width={172} height={38} />
      </Drawing>
    </SimpleGrid>
  );
}
