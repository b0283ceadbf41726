import { useState } from "react";
import { Doc } from "./Doc";
import type { Login, Page } from "./sim";
import { useSay, type Word } from "./words";

export type Do = (action: string, body?: object) => Promise<boolean>;

// Browser is what LINE's in-app browser shows: LINE's own pages as LINE asks, other pages
// as they came.
export function Browser({ page, act, close }: { page: Page; act: Do; close: () => void }) {
  const say = useSay();
  return (
    <section className="browser" aria-label={say("browser")}>
      <div className="bar">
        <button type="button" onClick={close} aria-label={say("close")}>✕</button>
        <code>{page.status || "–"} {page.url}</code>
      </div>
      {page.login ? <Consent key={page.login.request} login={page.login} act={act} /> : <Shown page={page} act={act} />}
    </section>
  );
}

function Shown({ page, act }: { page: Page; act: Do }) {
  const say = useSay();
  if (page.add_friend)
    return (
      <div className="screen">
        <h2>{page.add_friend.name}</h2>
        <p>{page.add_friend.basic_id}</p>
        <button type="button" className="main" onClick={() => act("follow", { channel: page.channel })}>{say("addNamed", { name: page.add_friend.name })}</button>
      </div>
    );
  if (!page.html) return <div className="screen"><p>{page.note ?? page.text ?? page.title}</p></div>;
  return (
    <Doc html={page.html} base={page.url} title={page.title || page.url} onLink={(url) => act("open_url", { url })}
      onSubmit={(form, button, values) => act("submit_form", { form, button, values })} />
  );
}

// Consent is LINE Login's screen. The two switches below it are the simulator's.
function Consent({ login, act }: { login: Login; act: Do }) {
  const say = useSay();
  const [friend, setFriend] = useState(login.add_friend_default);
  const [late, setLate] = useState(false);
  const [other, setOther] = useState(false);
  const name = login.account.name;
  const answer = (deny: boolean) =>
    act("consent", { request: login.request, deny, add_friend: friend, order: late ? "callback_first" : "follow_first", other_browser: other });
  return (
    <div className="screen">
      <h2>{say("asks", { name })}</h2>
      <ul>{login.scopes.map((scope) => <li key={scope}>{say(scope as Word)}</li>)}</ul>
      {login.add_friend_option && (
        <label><input type="checkbox" checked={friend} onChange={(e) => setFriend(e.currentTarget.checked)} /> {say("addOption", { name })}</label>
      )}
      <button type="button" className="main" onClick={() => answer(false)}>{say("allow")}</button>
      <button type="button" onClick={() => answer(true)}>{say("cancel")}</button>
      <div className="ours">
        <label><input type="checkbox" checked={late} onChange={(e) => setLate(e.currentTarget.checked)} /> {say("callbackFirst")}</label>
        <label><input type="checkbox" checked={other} onChange={(e) => setOther(e.currentTarget.checked)} /> {say("otherBrowser")}</label>
      </div>
    </div>
  );
}
