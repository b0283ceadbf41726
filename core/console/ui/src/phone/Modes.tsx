import { inWords, plain } from "./Bubble";
import type { Account, Shown } from "./LinePhone";
import style from "./phone.module.css";
import type { Say } from "./words";

// TextOnly is what a screen reader or a PC gets.
export function TextOnly({ messages, label, say }: { messages: Shown[]; label: string; say: Say }) {
  return (
    <section aria-label={label} className={style.text}>
      {messages.map((m, i) => (
        <div key={`${m.at ?? ""}-${i}`} className={style.spoken}>
          {inWords(m.message, say).map((line, k) => (
            <p key={k}>
              {line.text}
              {line.to && <span className={style.leads}> → {line.to}</span>}
            </p>
          ))}
        </div>
      ))}
    </section>
  );
}

type NotificationProps = { account: Account; last?: Shown; label: string; say: Say };

// Notification is the card on a lock screen: the last message in two lines.
export function Notification({ account, last, label, say }: NotificationProps) {
  return (
    <section aria-label={label} className={style.notification}>
      <span className={style.lockCard}>
        <strong>{last?.message.sender?.name ?? account.name}</strong>
        <span className={style.two}>{last ? plain(last.message, say) : ""}</span>
      </span>
    </section>
  );
}
