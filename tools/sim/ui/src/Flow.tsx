import { type FormEvent, useState } from "react";
import { type Activity, type Flow, nameOf, type Profile, sim, useAct } from "./sim";
import { useSay } from "./words";

type Preview = { url: string; headers: Record<string, string> | null; body: string; problem?: string; valid_json: boolean };

// FlowEditor edits a flow's webhook action, shows what it would send for a customer, and
// sends a test.
export function FlowEditor({ flow, profile }: { flow: Flow; profile: Profile }) {
  const say = useSay();
  const action = (flow.actions ?? []).find((a) => a.type === "send-webhook");
  // One header is edited; that which names the body's kind stays beside it.
  const headers = Object.entries(action?.headers ?? {});
  const [name, value] = headers.find(([n]) => n.toLowerCase() !== "content-type") ?? ["Lumo-Flow-Key", ""];
  const others = Object.fromEntries(headers.filter(([n]) => n !== name));
  const [status, setStatus] = useState(action?.status ?? "draft");
  const [saved, setSaved] = useState(false);
  const [preview, setPreview] = useState<Preview>();
  const [tested, setTested] = useState<Activity>();
  const [problem, act] = useAct();
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const f = new FormData(e.currentTarget);
    const all = { ...others, [String(f.get("name"))]: String(f.get("value")).trim() };
    const webhook = { url: String(f.get("url")).trim(), headers: all, body: f.get("body"), status };
    act(async () => {
      await sim("PATCH", `/klaviyo/flows/${flow.id}`, { webhook });
      setSaved(true);
    });
  };
  const on = { profile: profile.id };
  return (
    <div className="columns">
      <form className="panel" onSubmit={submit} onChange={() => setSaved(false)}>
        <h3>{flow.name}</h3>
        <label>{say("url")} <input name="url" defaultValue={action?.url} required /></label>
        <label>{say("header")} <input name="name" defaultValue={name} required /></label>
        <label>{say("value")} <input name="value" defaultValue={value} required autoComplete="off" /></label>
        <label>{say("body")} <textarea name="body" rows={8} defaultValue={action?.body} required /></label>
        <label>{say("status")} <select value={status} onChange={(e) => setStatus(e.currentTarget.value)}>{["draft", "manual", "live"].map((s) => <option key={s}>{s}</option>)}</select></label>
        <div className="row"><button type="submit">{say("save")}</button><span role="status">{saved && say("saved")}</span></div>
        {problem && <p role="alert">{problem}</p>}
      </form>
      <section className="panel">
        <div className="row">
          <button type="button" onClick={() => act(async () => setPreview(await sim<Preview>("POST", `/klaviyo/flows/${flow.id}/preview`, on)))}>{say("preview", { name: nameOf(profile) })}</button>
          <button type="button" onClick={() => act(async () => setTested(await sim<Activity>("POST", `/klaviyo/flows/${flow.id}/test_send`, on)))}>{say("test", { name: nameOf(profile) })}</button>
        </div>
        {preview && (
          <>
            <p className={preview.valid_json ? "good" : "bad"}>{preview.problem || say(preview.valid_json ? "valid" : "notValid")}</p>
            <pre>{preview.body}</pre>
          </>
        )}
        {tested && <p role="status" className={tested.status === "sent" ? "good" : "bad"}>{say("answered", { code: tested.status_code })} {tested.reason} {tested.answer}</p>}
      </section>
    </div>
  );
}
