// Another host of the same modules: Extism's for JavaScript, with the host functions of the
// portable ABI written anew over the golden world. It reads the world and the requests from
// the file it is given and prints, as JSON, each module's imports and the verdicts.
import { createCipheriv, createDecipheriv, createHash, createHmac, createPublicKey,
  verify } from "node:crypto";
import { readFileSync } from "node:fs";
import createPlugin from "@extism/extism";

const task = JSON.parse(readFileSync(process.argv[2], "utf8"));
const hex = (text) => Buffer.from(text, "hex");
const own = (bytes) => new Uint8Array(bytes); // Node's buffers share memory, the library's must not
const unsigned = (value) => BigInt.asUintN(64, value);
const tables = new Map(task.rows.map((row) => [`${row.table} ${row.key}`, hex(row.value)]));
const keys = new Map(task.keys.map((key) => [key.ref, key.secrets.map(hex)]));
let body = Buffer.alloc(0);
let claim = false; // only then may a module read the body

const NO_KEY = -1n;
const keysOf = (ref) => keys.get(unsigned(ref).toString()) ?? [];
const mac = (key, ...parts) => {
  const m = createHmac("sha256", key);
  for (const part of parts) m.update(part);
  return m.digest();
};
const tryKeys = (ref, matches) => {
  const all = keysOf(ref);
  if (all.length === 0) return NO_KEY;
  return all.some(matches) ? 1n : 0n;
};
// An Ed25519 key of 32 bytes as the library wants it: behind the head of its DER form.
const edKey = (raw) => createPublicKey({ format: "der", type: "spki",
  key: Buffer.concat([hex("302a300506032b6570032100"), raw]) });
const headOf = (ref) => {
  const head = Buffer.alloc(19); // the nonce is zeros: goldens have no chance in them
  head[0] = 1;
  head.writeUInt32BE(Number(unsigned(ref) & 0xffffffffn), 1);
  head.writeUInt16BE(Number((unsigned(ref) >> 32n) & 0xffffn), 5);
  return head;
};

const seal = (ref, plain) => {
  const [key] = keysOf(ref);
  if (!key) return null;
  const head = headOf(ref);
  const cipher = createCipheriv("aes-256-gcm", key, head.subarray(7));
  cipher.setAAD(head);
  return Buffer.concat([head, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
};
const open = (ref, sealed) => {
  const [key] = keysOf(ref);
  if (!key || sealed.length < 19 + 16) return null;
  try {
    const head = sealed.subarray(0, 19);
    const cipher = createDecipheriv("aes-256-gcm", key, head.subarray(7));
    cipher.setAAD(head);
    cipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([cipher.update(sealed.subarray(19, -16)), cipher.final()]);
  } catch {
    return null;
  }
};
const derive = (ref, label, id) => {
  const [key] = keysOf(ref);
  if (!key) return null;
  if (label === 1n) return mac(key, "lumo nonce 1\0", id);
  const verifier = mac(key, "lumo pkce 1\0", id).toString("base64url");
  return createHash("sha256").update(verifier).digest();
};

const read = (call, at) => Buffer.from(call.read(at).bytes());
const give = (call, value) => (value ? call.store(own(value)) : 0n);
const user = {
  lumo_lookup: (c, table, key) => give(c, tables.get(`${table} ${read(c, key).toString("hex")}`)),
  lumo_mac_verify: (c, ref, message, tag) => {
    const [m, t] = [read(c, message), read(c, tag)];
    return tryKeys(ref, (key) => mac(key, m).subarray(0, t.length).equals(t));
  },
  lumo_sha256_equal: (c, ref, value) => {
    const sum = createHash("sha256").update(read(c, value)).digest();
    return tryKeys(ref, (key) => key.equals(sum));
  },
  lumo_body_hmac: (c, ref, suffix, tag) => {
    const [s, t] = [read(c, suffix), read(c, tag)];
    return tryKeys(ref, (key) => mac(key, body, s).equals(t));
  },
  lumo_body: (c) => give(c, !claim || body.length > 8 << 10 ? null : body),
  lumo_sig_verify: (c, ref, message, signature) => {
    const [m, s] = [read(c, message), read(c, signature)];
    return tryKeys(ref, (key) => verify(null, m, edKey(key), s));
  },
  lumo_seal: (c, ref, plain) => give(c, seal(ref, read(c, plain))),
  lumo_open: (c, ref, sealed) => give(c, open(ref, read(c, sealed))),
  lumo_derive: (c, ref, label, id) => give(c, derive(ref, label, read(c, id))),
  lumo_now: () => BigInt(task.now),
};

const out = { imports: {}, verdicts: {} };
for (const [name, file] of Object.entries(task.modules)) {
  const bytes = readFileSync(file);
  const imports = WebAssembly.Module.imports(await WebAssembly.compile(bytes));
  out.imports[name] = imports.map((i) => `${i.module} ${i.name}`).sort();
  const stubs = {};
  for (const i of imports.filter((i) => i.module === "lumo")) {
    stubs[i.name] = () => { throw new Error(`the fast ABI's ${i.name} was called`); };
  }
  const plugin = await createPlugin({ wasm: [{ data: bytes }] },
    { useWasi: true, functions: { "extism:host/user": user, lumo: stubs } });
  for (const c of task.cases.filter((c) => c.module === name)) {
    body = hex(c.body);
    claim = c.claim;
    const verdict = await plugin.call("handle", own(hex(c.request)));
    out.verdicts[c.name] = Buffer.from(verdict?.bytes() ?? []).toString("hex");
  }
  await plugin.close();
}
process.stdout.write(JSON.stringify(out));
