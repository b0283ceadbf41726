import { type FormEvent, useEffect, useRef, useState } from "react";
import { Frame, LinePhone } from "@phone/LinePhone";
import { Browser, type Do } from "./Browser";
import { Doc } from "./Doc";
import { Scan } from "./Scan";
import { type Channel, type ChatMessage, type Email, type List, type Page, type Person, sim, useSim } from "./sim";
import { useSay, type Word } from "./words";

// PhonePage is everybody's phone: friend list, chat, browser, camera, mail.
export function PhonePage() {
  const say = useSay();
  const [people] = useSim<List<Person>>("/people", { items: [] });
  const [chosen, choose] = useState(new URLSearchParams(location.search).get("person") ?? "yuki");
  const person = people.items.find((p) => p.id === chosen) ?? people.items[0];
  const add = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = e.currentTarget;
    const name = String(new FormData(form).get("name"));
    choose((await sim<Person>("POST", "/people", { name })).id);
    form.reset();
  };
  return (
    <>
      <h1>{say("phones")}</h1>
      <div className="row">
        {people.items.map((p) => (
          <button key={p.id} type="button" aria-pressed={p.id === person?.id} onClick={() => choose(p.id)}>
            {p.name}{p.unread > 0 && ` (${p.unread})`}
          </button>
        ))}
        <form className="row" onSubmit={add}>
          <label>{say("newPerson")} <input name="name" required aria-label={say("newPerson")} /></label>
          <button type="submit">{say("make")}</button>
        </form>
      </div>
      {person && <OnePhone key={person.id} person={person} />}
    </>
  );
}

function OnePhone({ person }: { person: Person }) {
  const say = useSay();
  const [channels] = useSim<List<Channel>>("/line/channels", { items: [] });
  const [open, setOpen] = useState<string>();
  const [page, setPage] = useState<Page>();
  const [draft, setDraft] = useState("");
  const [problem, setProblem] = useState("");
  const act: Do = async (action, body = {}) => {
    setProblem("");
    try {
      const answer = await sim<{ pages?: Page[] }>("POST", `/people/${person.id}/${action}`, body);
      const last = answer.pages?.at(-1);
      if (last) setPage(last);
      if (last?.prefill) setDraft(last.prefill);
      return true;
    } catch (e) {
      setProblem((e as Error).message);
      return false;
    }
  };
  const all = channels.items;
  const channel = all.find((c) => c.messaging_channel_id === open);
  return (
    <div className="columns">
      <section className="device">
        {page ? (
          <Frame account={{ name: page.title || say("browser") }} label={`Phone of ${person.name}`} input={<span />}>
            <Browser page={page} act={act} close={() => setPage(undefined)} />
          </Frame>
        ) : channel ? (
          <Chat person={person} channel={channel} act={act} draft={draft} setDraft={setDraft} />
        ) : (
          <Frame account={{ name: say("friendList") }} label={`Phone of ${person.name}`} input={<span />}>
            <Friends person={person} channels={all} open={setOpen} />
          </Frame>
        )}
        {problem && <p role="alert">{problem}</p>}
        <Switches person={person} channel={channel ?? all[0]} act={act} list={() => { setOpen(undefined); setPage(undefined); }} />
      </section>
      <section>
        <Scan scan={(how) => act("scan", how)} />
        <Mail person={person} act={act} />
      </section>
    </div>
  );
}

// Friends is the list of accounts on the phone, with how each stands.
function Friends({ person, channels, open }: { person: Person; channels: Channel[]; open: (id: string) => void }) {
  const say = useSay();
  return (
    <ul className="friends">
      {channels.map((c) => (
        <li key={c.messaging_channel_id}>
          <button type="button" onClick={() => open(c.messaging_channel_id)}>
            <strong>{c.name}</strong> <span>{say((person.friendships[c.messaging_channel_id]?.state ?? "none") as Word)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

type ChatProps = { person: Person; channel: Channel; act: Do; draft: string; setDraft: (t: string) => void };

// Chat is an account's chat on the screen: what is shown has been seen, and LINE loads its
// pictures as on a real phone.
function Chat({ person, channel, act, draft, setDraft }: ChatProps) {
  const say = useSay();
  const id = channel.messaging_channel_id;
  const [chat] = useSim<List<ChatMessage>>(`/people/${person.id}/chat?channel=${id}`, { items: [] });
  const unseen = chat.items.filter((m) => m.from === "account" && !m.viewed_at).length;
  useEffect(() => {
    if (unseen > 0 && !person.offline) sim("POST", `/people/${person.id}/view`, { channel: id }).catch(() => {});
  }, [unseen, person.id, person.offline, id]);
  const screen = useRef<HTMLDivElement>(null);
  const count = chat.items.length;
  useEffect(() => {
    const log = count > 0 ? screen.current?.querySelector('[role="log"]') : undefined;
    log?.scrollTo({ top: log.scrollHeight });
  }, [count]);
  const write = (e: FormEvent) => {
    e.preventDefault();
    act("say", { text: draft, channel: id });
    setDraft("");
  };
  return (
    <div ref={screen}>
    <LinePhone account={{ name: channel.name, verified: channel.verified, picture: channel.picture_url }} label={`Phone of ${person.name}`}
      language={person.language}
      onAction={(action, shown) => act("tap", { action, channel: id, message: shown.id })}
      resolveImage={(address) => `/sim/v1/people/${person.id}/picture?url=${encodeURIComponent(address)}`}
      messages={chat.items.map((m) => ({ id: m.id, message: m.message, at: m.at, own: m.from !== "account" }))}
      input={
        <form className="input" onSubmit={write}>
          <input aria-label={say("write")} value={draft} onChange={(e) => setDraft(e.currentTarget.value)} />
          <button type="submit" disabled={!draft}>{say("send")}</button>
        </form>
      }
    />
    </div>
  );
}

function Switches({ person, channel, act, list }: { person: Person; channel?: Channel; act: Do; list: () => void }) {
  const say = useSay();
  if (!channel) return null;
  const id = channel.messaging_channel_id;
  const state = person.friendships[id]?.state ?? "none";
  const change = (edit: object) => sim("PATCH", `/people/${person.id}`, edit);
  return (
    <>
      <div className="row">
        <button type="button" onClick={list}>{say("friendList")}</button>
        <span>{say("state", { state: say(state as Word) })}</span>
        {state === "none" && <button type="button" onClick={() => act("follow", { channel: id })}>{say("add")}</button>}
        {state === "friend" && <button type="button" onClick={() => act("block", { channel: id })}>{say("block")}</button>}
        {state === "blocked" && <button type="button" onClick={() => act("unblock", { channel: id })}>{say("unblock")}</button>}
      </div>
      <div className="row">
        <label><input type="checkbox" checked={person.offline} onChange={(e) => change({ offline: e.currentTarget.checked })} /> {say("offline")}</label>
        <label><input type="checkbox" checked={person.deleted} onChange={(e) => change({ deleted: e.currentTarget.checked })} /> {say("deleted")}</label>
      </div>
    </>
  );
}

function Mail({ person, act }: { person: Person; act: Do }) {
  const say = useSay();
  const [mail] = useSim<List<Email>>(`/people/${person.id}/emails`, { items: [] });
  const [shown, show] = useState("");
  return (
    <section className="panel">
      <h2>{say("mail")}</h2>
      {mail.items.length === 0 && <p>{say("noMail")}</p>}
      {[...mail.items].reverse().map((m) => (
        <article key={m.id}>
          <button type="button" aria-expanded={shown === m.id} onClick={() => show(shown === m.id ? "" : m.id)}>{m.subject}</button>
          {shown === m.id && <Doc html={m.html} base={location.href} title={m.subject} onLink={(url) => act("open_url", { url })} />}
        </article>
      ))}
    </section>
  );
}
