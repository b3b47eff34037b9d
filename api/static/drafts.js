// From a draft, as a form builds it, to a note that one or several officers sign: the twin of api/signing.py.
//
// A draft is the JSON of a statement without what signing fills in, the same that `constancia sign` reads:
//
//   {"kind": "ContentWithheld", "plan": "gt-2014-2016", "target": {…}, "ground": "personal_data", …}
//
// `{"$content": {"text": "…"}}` in place of a salted digest: the text gets a salt and travels beside the note, and only
// its salted digest is signed. A statement of several signers names them all in `by` before the first of them signs;
// what the first hands to the second is the note with one line, which `readPart` takes apart, and `addLine` completes.
//
//   const part = await signDraft(draft, origin, { by, lang, saidAt }, [signer]);
//   part.missing                          keys (64 hex) that have still to sign; none: it can be sent
//   const whole = await addLine(await readPart(bytes, origin), signer);

import { Fault, equal, fromHex, strictUtf8, utf8 } from "./bytes.js";
import { verifyEd25519 } from "./ed25519.js";
import { newContent, signatureLine, formatSubmission } from "./sign.js";
import { canonical, checkPrivate, identityOf, keyName, readStatement } from "./statement.js";

/** A `Part`: `{origin, statement, note, identity, contents, missing}`, signed by those of `by` whose signers are given.
 * Throws Fault for what the server would refuse. */
export async function signDraft(draft, origin, { by, lang, saidAt }, signers) {
  const contents = [];
  const statement = await salted({ ...draft, by, said_at: saidAt, lang }, origin, by[0].key, contents);
  const text = `${origin}\n${canonical(statement)}\n`;
  const own = by.map(({ key }) => signers.find((one) => one.key === key)).filter(Boolean);
  const lines = await Promise.all(own.map((one) => signatureLine(one, origin, text)));
  return part(`${text}\n${lines.join("")}`, origin, contents);
}

/** The text that would be signed for a draft, to be tried before anybody signs (api/rehearsal.py); its salts are kept
 * nowhere. */
export async function unsignedText(draft, origin, { by, lang, saidAt }) {
  const statement = await salted({ ...draft, by, said_at: saidAt, lang }, origin, by[0].key, []);
  return `${origin}\n${canonical(statement)}\n`;
}

/** The value with a salted digest for each `$content`, which is added to `contents`. */
async function salted(value, origin, first, contents) {
  if (value === null || typeof value !== "object") return value;
  if (value.$content) {
    const { salt, content, digest } = await newContent(value.$content, origin, first);
    contents.push({ salt, content });
    return digest;
  }
  if (Array.isArray(value)) return Promise.all(value.map((one) => salted(one, origin, first, contents)));
  const members = Object.entries(value).map(async ([name, one]) => [name, await salted(one, origin, first, contents)]);
  return Object.fromEntries(await Promise.all(members));
}

/** The Part in a file: a note, or a submission. Its lines are verified, and its contents held against it. Throws Fault. */
export async function readPart(bytes, origin) {
  const text = strictUtf8(bytes);
  if (!text.startsWith("{")) return part(text, origin, []);
  let submission;
  try {
    submission = JSON.parse(text);
  } catch {
    throw new Fault("not-json", text);
  }
  const { note, contents, ...more } = submission;
  if (typeof note !== "string" || !Array.isArray(contents) || Object.keys(more).length) throw new Fault("shape", "note");
  const found = await part(note, origin, contents);
  await checkPrivate(bytes, found, origin, found.identity);
  return found;
}

/** The Part with the line of one more signer, in its place. Throws Fault (not-named) unless `by` names the key. */
export async function addLine({ statement, note, origin, contents }, signer) {
  if (!statement.by.some(({ key }) => key === signer.key)) throw new Fault("not-named", signer.key);
  const { text, lines } = readStatement(utf8(note), origin);
  const { name } = await keyName(origin, fromHex(signer.key, 32));
  const written = new Map(lines.map((line) => [line.name, `${line.written}\n`]));
  written.set(name, await signatureLine(signer, origin, text));
  const names = await Promise.all(statement.by.map(async ({ key }) => (await keyName(origin, fromHex(key, 32))).name));
  return part(`${text}\n${names.map((one) => written.get(one) ?? "").join("")}`, origin, contents);
}

async function part(note, origin, contents) {
  const opened = readStatement(utf8(note), origin);
  const { statement, text } = opened;
  const missing = await missingOf(opened, origin);
  return { origin, statement, text, note, identity: await identityOf(text), contents, missing };
}

/** The keys of `by` that have not signed. Each line must be of one of them, in their order, and verify. Throws Fault. */
async function missingOf({ statement, text, lines }, origin) {
  const left = [...lines];
  const missing = [];
  for (const { key } of statement.by) {
    const raw = fromHex(key, 32);
    const { name, id } = await keyName(origin, raw);
    if (left[0]?.name !== name) {
      missing.push(key);
      continue;
    }
    const line = left.shift();
    if (!equal(line.keyId, id)) throw new Fault("bad-signature", line.written);
    await verifyEd25519(raw, utf8(text), line.signature);
  }
  if (left.length) throw new Fault("bad-signature", left[0].written);
  return missing;
}

/** The file that the first signer hands to the second: `{name, type, body}`. */
export function fileOf({ note, contents, identity }) {
  const { body } = formatSubmission(note, contents);
  return { name: `${identity.slice(0, 12)}${contents.length ? ".submission.json" : ".note"}`, body };
}
