import { useState } from "react";
import { LinePhone } from "@phone/LinePhone";
import { type ChatMessage, type Email, type Page, type Person, sim, useSim } from "./sim";

type List<T> = { items: T[] };

// PhonePage is somebody's phone: her chat, her mail, and what her browser shows.
export function PhonePage() {
  const [people] = useSim<List<Person>>("/people", { items: [] });
  const [chosen, choose] = useState("yuki");
  const person = people.items.find((p) => p.id === chosen);
  return (
    <>
      <h1>Phones</h1>
      <div className="row">
        {people.items.map((p) => (
          <button key={p.id} type="button" aria-pressed={p.id === chosen} onClick={() => choose(p.id)}>{p.name}</button>
        ))}
      </div>
      {person && <OnePhone key={person.id} person={person} />}
    </>
  );
}

function OnePhone({ person }: { person: Person }) {
  const [chat, again] = useSim<List<ChatMessage>>(`/people/${person.id}/chat`, { items: [] });
  const [mail] = useSim<List<Email>>(`/klaviyo/emails?profile=${person.id}@customer.example`, { items: [] });
  const [shown, setShown] = useState<Page>();
  const [problem, setProblem] = useState("");
  const [text, setText] = useState("");
  const state = Object.values(person.friendships)[0]?.state ?? "none";
  const act = async (action: string, body: unknown = {}) => {
    setProblem("");
    try {
      const answer = await sim<{ pages?: Page[] }>("POST", `/people/${person.id}/${action}`, body);
      const last = answer.pages?.at(-1);
      if (last) setShown(last);
      again();
    } catch (e) {
      setProblem((e as Error).message);
    }
  };
  const name = chat.items[0]?.account.name ?? "Hana Tea";
  return (
    <div className="columns">
      <section>
        <LinePhone account={{ name }} label={`Phone of ${person.name}`} onAction={(a) => act("tap", { url: a.uri })}
          messages={chat.items.map((m) => ({ message: m.message, at: m.at, own: m.from !== "account" }))} />
        <form className="row" onSubmit={(e) => { e.preventDefault(); act("say", { text }); setText(""); }}>
          <input aria-label="Write" value={text} onChange={(e) => setText(e.currentTarget.value)} />
          <button type="submit" disabled={!text}>Send</button>
        </form>
        <div className="row">
          <span>Account: {state}</span>
          <button type="button" onClick={() => act("follow")}>Add friend</button>
          <button type="button" onClick={() => act("block")}>Block</button>
          <button type="button" onClick={() => act("unblock")}>Unblock</button>
          <button type="button" onClick={() => act("view")}>Open the chat</button>
        </div>
      </section>
      <section>
        <h2>Mail</h2>
        {mail.items.length === 0 && <p>No mail yet. Send one on the Klaviyo page.</p>}
        {mail.items.map((m) => (
          <article key={m.id}>
            <strong>{m.subject}</strong>
            {m.links.map((link) => <button key={link} type="button" onClick={() => act("scan", { url: link })}>Scan the QR code</button>)}
          </article>
        ))}
        <h2>Browser</h2>
        {problem && <p role="alert">{problem}</p>}
        {shown ? <Browser page={shown} act={act} /> : <p>Nothing is open.</p>}
      </section>
    </div>
  );
}

function Browser({ page, act }: { page: Page; act: (action: string, body?: unknown) => void }) {
  return (
    <article>
      <code>{page.status} {page.url.slice(0, 90)}</code>
      {page.login ? (
        <>
          <p>LINE Login asks: may this shop see your profile?</p>
          <button type="button" onClick={() => act("consent", { request: page.login?.request, add_friend: true, order: "callback_first" })}>Allow and add friend</button>
          <button type="button" onClick={() => act("consent", { request: page.login?.request, deny: true })}>Cancel</button>
        </>
      ) : (
        <pre>{page.text ?? page.note}</pre>
      )}
      {page.forms?.map((form, i) => (
        <button key={form.buttons?.[0]?.text ?? i} type="button" onClick={() => act("submit_form", {})}>{form.buttons?.[0]?.text ?? "Send"}</button>
      ))}
    </article>
  );
}
