import { type FormEvent, useState } from "react";
import { Doc } from "./Doc";
import { FlowEditor } from "./Flow";
import { Groups } from "./Groups";
import { type Activity, type Email, type Flow, type List, nameOf, type Profile, type ProfileEvent, sim, useAct, useSim } from "./sim";
import { useSay } from "./words";

// KlaviyoPage is the shop's Klaviyo account: customers, flows, lists, emails, forms, and
// what happened to whom. Everything is done as the customer who is chosen above.
export function KlaviyoPage() {
  const say = useSay();
  const [profiles] = useSim<List<Profile>>("/klaviyo/profiles", { items: [] });
  const [flows] = useSim<List<Flow>>("/klaviyo/flows", { items: [] });
  const [chosen, choose] = useState("");
  const profile = profiles.items.find((p) => p.id === chosen) ?? profiles.items[0];
  return (
    <>
      <h1>{say("klaviyo")}</h1>
      <h2>{say("customers")}</h2>
      <div className="row">
        {profiles.items.map((p) => <button key={p.id} type="button" aria-pressed={p.id === profile?.id} onClick={() => choose(p.id)}>{nameOf(p)}</button>)}
      </div>
      {profile && (
        <>
          <Customer key={profile.id} profile={profile} />
          <Flows flows={flows.items} profile={profile} />
          <div className="columns">
            <Groups profile={profile} />
            <Forms profile={profile} />
          </div>
          <EmailPreview profile={profile} />
        </>
      )}
      <Log profiles={profiles.items} />
    </>
  );
}

function Customer({ profile }: { profile: Profile }) {
  const say = useSay();
  const [events] = useSim<List<ProfileEvent>>(`/klaviyo/events?profile=${profile.id}`, { items: [] });
  const [problem, act] = useAct();
  const happen = (metric: string) => act(() => sim("POST", "/klaviyo/events", { profile: profile.id, metric }));
  const newest = [...events.items].sort((a, b) => b.datetime.localeCompare(a.datetime)).slice(0, 20);
  return (
    <div className="columns">
      <section className="panel">
        <p>{profile.email}</p>
        <button type="button" onClick={() => happen("Checkout Started")}>{say("cart")}</button>
        <form className="row" onSubmit={(e) => { e.preventDefault(); happen(String(new FormData(e.currentTarget).get("metric"))); }}>
          <label>{say("eventName")} <input name="metric" required defaultValue="Placed Order" /></label>
          <button type="submit">{say("happens")}</button>
        </form>
        {problem && <p role="alert">{problem}</p>}
        <h3>{say("properties")}</h3>
        <dl>{Object.entries(profile.properties).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{String(value)}</dd></div>)}</dl>
      </section>
      <section className="panel">
        <h3>{say("events")}</h3>
        <ul>{newest.map((e) => <li key={e.id}><time>{new Date(e.datetime).toLocaleTimeString()}</time> {e.metric}</li>)}</ul>
      </section>
    </div>
  );
}

function Flows({ flows, profile }: { flows: Flow[]; profile: Profile }) {
  const say = useSay();
  const [edited, edit] = useState("");
  const flow = flows.find((f) => f.id === edited);
  const turn = (f: Flow) => sim("POST", `/klaviyo/flows/${f.id}/status`, { status: f.status === "live" ? "draft" : "live" });
  return (
    <section>
      <h2>{say("flows")}</h2>
      <div className="scroll">
        <table>
          <thead><tr><th>{say("flow")}</th><th>{say("starts")}</th><th>{say("status")}</th><th>{say("edit")}</th></tr></thead>
          <tbody>
            {flows.map((f) => (
              <tr key={f.id}>
                <td>{f.name}</td><td>{f.metric || f.list || f.segment}</td><td>{f.status}</td>
                <td><div className="row">
                  <button type="button" onClick={() => turn(f)}>{say(f.status === "live" ? "draft" : "live")}</button>
                  <button type="button" aria-expanded={edited === f.id} onClick={() => edit(edited === f.id ? "" : f.id)}>{say("edit")}</button>
                </div></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {flow && <FlowEditor key={flow.id} flow={flow} profile={profile} />}
    </section>
  );
}

type ShopForm = { id: string; name: string; status: string };

function Forms({ profile }: { profile: Profile }) {
  const say = useSay();
  const [forms] = useSim<List<ShopForm>>("/klaviyo/forms", { items: [] });
  const [problem, act] = useAct();
  return (
    <section className="panel">
      <h2>{say("forms")}</h2>
      {forms.items.map((f) => (
        <article key={f.id}>
          <strong>{f.name}</strong> {f.id}, {f.status}
          <button type="button" onClick={() => act(() => sim("POST", `/klaviyo/forms/${f.id}/submit`, { email: profile.email }))}>{say("submit", { email: profile.email })}</button>
          <a href={`/shop?form=${f.id}`}>{say("shopPage")}</a>
        </article>
      ))}
      {problem && <p role="alert">{problem}</p>}
    </section>
  );
}

const sample = `<p>Hello {{ first_name|default:'there' }}, get news from us on LINE.</p>`;

// EmailPreview fills the merge variables in; pictures such as QR codes load as in a mailbox.
function EmailPreview({ profile }: { profile: Profile }) {
  const say = useSay();
  const [shown, show] = useState<Email>();
  const [problem, act] = useAct();
  const [tracking, track] = useState(false);
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const how = ((e.nativeEvent as SubmitEvent).submitter as HTMLButtonElement).value;
    const f = new FormData(e.currentTarget);
    const body = { profile: profile.id, subject: f.get("subject"), html: f.get("html"), tracking };
    act(async () => show(await sim<Email>("POST", `/klaviyo/emails/${how}`, body)));
  };
  return (
    <section className="panel">
      <h2>{say("emails")}</h2>
      <form onSubmit={submit}>
        <label>{say("subject")} <input name="subject" defaultValue="Hello {{ first_name }}" required /></label>
        <label>HTML <textarea name="html" rows={5} defaultValue={sample} required /></label>
        <label><input type="checkbox" checked={tracking} onChange={(e) => track(e.currentTarget.checked)} /> {say("tracking")}</label>
        <div className="row">
          <button type="submit" value="render">{say("render", { name: nameOf(profile) })}</button>
          <button type="submit" value="send">{say("sendTo", { name: nameOf(profile) })}</button>
        </div>
      </form>
      {problem && <p role="alert">{problem}</p>}
      {shown && <article><strong>{shown.subject}</strong><Doc html={shown.html} base={location.href} title={shown.subject} onLink={() => {}} /></article>}
    </section>
  );
}

// Log is every attempt of every action, newest first.
function Log({ profiles }: { profiles: Profile[] }) {
  const say = useSay();
  const [log] = useSim<List<Activity>>("/klaviyo/activity", { items: [] });
  const who = (id: string) => { const p = profiles.find((one) => one.id === id); return p ? nameOf(p) : id; };
  return (
    <section>
      <h2>{say("activity")}</h2>
      {log.items.length === 0 ? <p>{say("nothing")}</p> : (
        <div className="scroll">
          <table>
            <thead><tr><th>{say("when")}</th><th>{say("flow")}</th><th>{say("who")}</th><th>{say("try")}</th><th>{say("result")}</th></tr></thead>
            <tbody>
              {[...log.items].reverse().slice(0, 30).map((a) => (
                <tr key={a.id}>
                  <td>{new Date(a.at).toLocaleTimeString()}</td><td>{a.flow_name}{a.test && ` (${say("test", { name: who(a.profile) })})`}</td><td>{who(a.profile)}</td><td>{a.attempt}</td>
                  <td>{a.status} {a.status_code > 0 && a.status_code} {a.reason} {a.next_at && say("next", { time: new Date(a.next_at).toLocaleTimeString() })}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
