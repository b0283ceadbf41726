import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

// Own drawings of the places in LINE's consoles: where a thing is found, not how it looks.

type DrawingProps = { title: string; text: string; children: ReactNode };

const ink = "var(--lumo-muted)";
export const line = "var(--lumo-border)";
const mark = "var(--lumo-accent)";

export function Drawing({ title, text, children }: DrawingProps) {
  return (
    <figure style={{ margin: 0, maxWidth: 420, minWidth: 0 }}>
      <svg viewBox="0 0 420 210" width="100%" role="img" aria-label={title} style={{ display: "block" }}>
        <rect x="1" y="1" width="418" height="208" rx="10" fill="var(--lumo-page)" stroke={line} />
        <path d="M1 30h418" stroke={line} />
        <circle cx="16" cy="16" r="4" fill={line} />
        <circle cx="30" cy="16" r="4" fill={line} />
        <circle cx="44" cy="16" r="4" fill={line} />
        {children}
      </svg>
      <figcaption style={{ fontSize: 13, lineHeight: 1.5, marginTop: 4 }}>{text}</figcaption>
    </figure>
  );
}

type LabelProps = {
  x: number;
  y: number;
  children: ReactNode;
  strong?: boolean;
  anchor?: "middle";
  size?: number;
};

export const Label = ({ x, y, children, strong, anchor, size = 12 }: LabelProps) => (
  <text
    x={x}
    y={y}
    fontSize={size}
    textAnchor={anchor}
    fill={strong ? "var(--lumo-text, currentColor)" : ink}
    fontWeight={strong ? 600 : 400}
  >
    {children}
  </text>
);

// Ring marks what to look for.
export const Ring = (p: { x: number; y: number; width: number; height: number }) => (
  <rect {...p} rx="8" fill="none" stroke={mark} strokeWidth="2.5" />
);

const Menu = ({ entries, at }: { entries: string[]; at: number }) => (
  <>
    <path d="M110 30v179" stroke={line} />
    {entries.map((e, i) => (
      <g key={i}>
        {i === at && <rect x="8" y={40 + i * 26} width="96" height="22" rx="5" fill="var(--lumo-line)" />}
        <Label x={13} y={55 + i * 26} size={10.5} strong={i === at}>
          {e}
        </Label>
      </g>
    ))}
  </>
);

export const Value = ({ y, label, value }: { y: number; label: string; value: string }) => (
  <>
    <Label x={126} y={y}>
      {label}
    </Label>
    <rect x="240" y={y - 15} width="160" height="22" rx="5" fill="var(--lumo-card)" stroke={line} />
    <Label x={250} y={y}>
      {value}
    </Label>
  </>
);

const number = "1234567890";
const hidden = "••••••••••••••••";

// MessagingPlace is the page of LINE Official Account Manager with the Messaging API's keys.
export function MessagingPlace() {
  const { t } = useTranslation();
  return (
    <Drawing title={t("connection.draw.messaging")} text={t("connection.draw.messagingText")}>
      <Label x={60} y={20}>
        manager.line.biz
      </Label>
      <Menu entries={["…", t("connection.draw.settings"), "Messaging API"]} at={2} />
      <Label x={126} y={58} strong>
        Messaging API
      </Label>
      <Value y={96} label="Channel ID" value={number} />
      <Value y={130} label="Channel secret" value={hidden} />
      <Ring x={118} y={74} width={290} height={72} />
    </Drawing>
  );
}

// LoginPlace is the page of LINE Developers console with LINE Login's keys.
export function LoginPlace() {
  const { t } = useTranslation();
  return (
    <Drawing title={t("connection.draw.login")} text={t("connection.draw.loginText")}>
      <Label x={60} y={20}>
        developers.line.biz
      </Label>
      <Menu entries={[t("connection.draw.provider"), "Messaging API", "LINE Login"]} at={2} />
      <Label x={126} y={52}>
        {t("connection.draw.provider")} › LINE Login
      </Label>
      <Label x={126} y={76} strong>
        Basic settings
      </Label>
      <path d="M126 82h84" stroke={mark} strokeWidth="2" />
      <Value y={112} label="Channel ID" value={number} />
      <Value y={146} label="Channel secret" value={hidden} />
      <Ring x={118} y={92} width={290} height={68} />
    </Drawing>
  );
}

// SwitchPlace is where a person turns "Use webhook" on.
export function SwitchPlace() {
  const { t } = useTranslation();
  return (
    <Drawing title={t("connection.draw.switch")} text={t("connection.draw.switchText")}>
      <Label x={60} y={20}>
        manager.line.biz
      </Label>
      <Menu entries={["…", t("connection.draw.settings"), t("connection.draw.response")]} at={2} />
      <Label x={126} y={58} strong>
        {t("connection.draw.response")}
      </Label>
      <Label x={126} y={92}>
        Chat
      </Label>
      <Toggle x={350} y={78} on={false} />
      <Label x={126} y={126} strong>
        Webhook
      </Label>
      <Toggle x={350} y={112} on />
      <Ring x={118} y={104} width={290} height={36} />
    </Drawing>
  );
}

const Toggle = ({ x, y, on }: { x: number; y: number; on: boolean }) => (
  <g>
    <rect x={x} y={y} width="40" height="20" rx="10" fill={on ? mark : line} />
    <circle cx={on ? x + 30 : x + 10} cy={y + 10} r="8" fill="var(--lumo-card)" />
  </g>
);
