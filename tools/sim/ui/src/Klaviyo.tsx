import { useState } from "react";
import { type Flow, type Profile, type ProfileEvent, sim, useSim } from "./sim";

type List<T> = { items: T[] };

// KlaviyoPage is the shop's Klaviyo account: customers, flows, and what happened to whom.
export function KlaviyoPage() {
  const [profiles] = useSim<List<Profile>>("/klaviyo/profiles", { items: [] });
  const [flows, again] = useSim<List<Flow>>("/klaviyo/flows", { items: [] });
  const [chosen, choose] = useState("");
  const profile = profiles.items.find((p) => p.id === chosen) ?? profiles.items[0];
  return (
    <>
      <h1>Klaviyo</h1>
      <h2>Flows</h2>
      <table>
        <thead><tr><th>Flow</th><th>Starts with</th><th>State</th><th>Change</th></tr></thead>
        <tbody>
          {flows.items.map((f) => (
            <tr key={f.id}>
              <td>{f.name}</td><td>{f.metric}</td><td>{f.status}</td>
              <td>
                <button type="button" onClick={() => sim("POST", `/klaviyo/flows/${f.id}/status`, { status: f.status === "live" ? "draft" : "live" }).then(again)}>
                  {f.status === "live" ? "Back to draft" : "Set live"}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <h2>Customers</h2>
      <div className="row">
        {profiles.items.map((p) => <button key={p.id} type="button" aria-pressed={p.id === profile?.id} onClick={() => choose(p.id)}>{p.first_name} {p.last_name}</button>)}
      </div>
      {profile && <Customer key={profile.id} profile={profile} />}
    </>
  );
}

function Customer({ profile }: { profile: Profile }) {
  const [events, again] = useSim<List<ProfileEvent>>(`/klaviyo/events?profile=${profile.id}`, { items: [] });
  const cart = () => sim("POST", "/klaviyo/events", { profile: profile.id, metric: "Checkout Started" }).then(again);
  return (
    <div className="columns">
      <section>
        <p>{profile.email}</p>
        <button type="button" onClick={cart}>She leaves a cart</button>
        <h3>Properties</h3>
        <dl>{Object.entries(profile.properties).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{String(value)}</dd></div>)}</dl>
      </section>
      <section>
        <h3>Events</h3>
        <ul>{[...events.items].sort((a, b) => b.datetime.localeCompare(a.datetime)).slice(0, 30).map((e) => <li key={e.id}><time>{new Date(e.datetime).toLocaleTimeString()}</time> {e.metric}</li>)}</ul>
      </section>
    </div>
  );
}
