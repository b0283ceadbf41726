import type { FormEvent } from "react";
import { type Group, type List, nameOf, type Profile, sim, useAct, useSim } from "./sim";
import { useSay } from "./words";

// Groups are the account's lists and segments with their members.
export function Groups({ profile }: { profile: Profile }) {
  const say = useSay();
  const [lists] = useSim<List<Group>>("/klaviyo/lists", { items: [] });
  const [segments] = useSim<List<Group>>("/klaviyo/segments", { items: [] });
  const [problem, act] = useAct();
  const name = nameOf(profile);
  const change = (l: Group, how: string) => act(() => sim("POST", `/klaviyo/lists/${l.id}/${how}`, { profile: profile.id }));
  const make = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const f = new FormData(e.currentTarget);
    act(() => sim("POST", "/klaviyo/segments", { name: f.get("name"), property: f.get("property"), operator: f.get("operator"), value: f.get("value") }));
  };
  return (
    <section className="panel">
      <h2>{say("groups")}</h2>
      {lists.items.map((l) => {
        const inside = (l.members ?? []).includes(profile.id);
        return (
          <article key={l.id}>
            <strong>{l.name}</strong> {say("members", { count: l.members?.length ?? 0 })}
            <button type="button" onClick={() => change(l, inside ? "leave" : "join")}>{say(inside ? "leave" : "join", { name })}</button>
          </article>
        );
      })}
      {segments.items.map((g) => (
        <article key={g.id}>
          <strong>{g.name}</strong> {say("members", { count: g.members?.length ?? 0 })}
          <span>{g.metric || g.property} {g.operator} {g.value}</span>
        </article>
      ))}
      <form onSubmit={make}>
        <h3>{say("newSegment")}</h3>
        <label>{say("name")} <input name="name" required /></label>
        <label>{say("property")} <input name="property" defaultValue="LINE Follow Status" required /></label>
        <label>{say("result")} <select name="operator">{["equals", "not_equals", "contains", "is_set", "is_not_set"].map((o) => <option key={o}>{o}</option>)}</select></label>
        <label>{say("value")} <input name="value" defaultValue="following" /></label>
        <button type="submit">{say("make")}</button>
      </form>
      {problem && <p role="alert">{problem}</p>}
    </section>
  );
}
