import { type FormEvent, useState } from "react";
import { type Fault, type List, sim, useAct, useSim } from "./sim";
import { useSay } from "./words";

const kinds = ["429", "500", "503", "401", "accept_then_no_answer", "slow", "reset", "duplicate_webhook", "reorder", "late"];
const places = ["line.push", "line.multicast", "line.reply", "line.broadcast", "line.webhook", "line.profile", "line.quota", "line.validate", "line.token", "line.login_token", "line.*", "klaviyo.events", "klaviyo.profile_import", "klaviyo.profiles_read", "klaviyo.flow_webhook", "klaviyo.token", "klaviyo.*"];
const steps: [string, string, number][] = [["1 min", "1分", 60], ["1 h", "1時間", 3600], ["6 h", "6時間", 21600], ["1 day", "1日", 86400]];

// Rehearse moves the simulated time and lets the vendors fail.
export function Rehearse() {
  const say = useSay();
  const [clock, again] = useSim<{ now: string }>("/clock", { now: "" });
  const [faults] = useSim<List<Fault>>("/faults", { items: [] });
  const [problem, act] = useAct();
  const [to, setTo] = useState("");
  const move = (body: object) => act(async () => { await sim("POST", "/clock", body); again(); });
  const ja = document.documentElement.lang === "ja";
  return (
    <section className="panel" aria-label={say("rehearse")}>
      <h2>{say("rehearse")}</h2>
      <p>{say("now", { time: clock.now && new Date(clock.now).toLocaleString(ja ? "ja" : "en") })}</p>
      <div className="row">
        {steps.map(([en, jp, seconds]) => (
          <button key={en} type="button" onClick={() => move({ advance_seconds: seconds })}>{say("ahead", { by: ja ? jp : en })}</button>
        ))}
        <label>{say("setTime")} <input type="datetime-local" value={to} onChange={(e) => setTo(e.currentTarget.value)} /></label>
        <button type="button" disabled={!to} onClick={() => move({ now: new Date(to).toISOString() })}>{say("setTime")}</button>
        <button type="button" onClick={() => move({ real: true })}>{say("real")}</button>
      </div>
      <FaultForm act={act} />
      {problem && <p role="alert">{problem}</p>}
      {faults.items.length === 0 ? <p>{say("noFaults")}</p> : (
        <>
          <ul>{faults.items.map((f, i) => <li key={i}>{f.api}: {f.kind} × {f.times < 0 ? "∞" : f.times}{f.delay_ms > 0 && `, ${f.delay_ms} ms`}</li>)}</ul>
          <button type="button" onClick={() => act(() => sim("DELETE", "/faults"))}>{say("clear")}</button>
        </>
      )}
    </section>
  );
}

function FaultForm({ act }: { act: (what: () => Promise<unknown>) => void }) {
  const say = useSay();
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const f = new FormData(e.currentTarget);
    act(() => sim("POST", "/faults", { api: f.get("api"), kind: f.get("kind"), times: Number(f.get("times")), delay_ms: Number(f.get("delay")) }));
  };
  return (
    <form className="row" onSubmit={submit}>
      <label>{say("where")} <select name="api">{places.map((p) => <option key={p}>{p}</option>)}</select></label>
      <label>{say("fault")} <select name="kind">{kinds.map((k) => <option key={k}>{k}</option>)}</select></label>
      <label>{say("times")} <input name="times" type="number" defaultValue={1} min={-1} /></label>
      <label>{say("delay")} <input name="delay" type="number" defaultValue={0} min={0} /></label>
      <button type="submit">{say("switchOn")}</button>
    </form>
  );
}
