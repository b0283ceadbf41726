import { Img } from "./Img";
import { action, type LineMessage, list, object, text } from "./message";
import style from "./phone.module.css";
import { useScene } from "./scene";
import { actionName } from "./Tap";

// Replies are the pills above the input bar: of the last message alone, and gone after a tap.
export function Replies({ message, onTap }: { message: LineMessage; onTap: () => void }) {
  const { onAction, say } = useScene();
  const items = list(message.quickReply?.items).map((v) => object(v) ?? {});
  if (items.length === 0) return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: answers to choose from are no set of fields
    <div
      className={style.replies}
      role="group"
      aria-label={say("phone.replies")}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the row scrolls, and keys must reach it
      tabIndex={0}
    >
      {items.map((item, i) => {
        const does = action(item.action);
        const inside = (
          <>
            {text(item.imageUrl) && (
              <span className={style.replyIcon}>
                <Img
                  address={text(item.imageUrl)}
                  css={{ width: "100%", height: "100%", objectFit: "cover" }}
                />
              </span>
            )}
            {does ? actionName(does, say) : say("phone.unknown", { path: `/quickReply/items/${i}/action` })}
          </>
        );
        return does && onAction ? (
          <button
            key={i}
            type="button"
            className={style.reply}
            onClick={() => {
              onTap();
              onAction(does);
            }}
          >
            {inside}
          </button>
        ) : (
          <span key={i} className={style.reply}>
            {inside}
          </span>
        );
      })}
    </div>
  );
}
