// Signed notes: a text, an empty line, and the lines of those who signed it; and keys written as one string.
//
// Spec: c2sp.org/signed-note
//
// A signature line is an em dash, the name of a key, and the base64 of a key id of 4 bytes and the signature. The text
// ends at the last empty line. Lines of unknown keys are passed over; one of a known key that fails refuses the note.

import { Fault, equal, fromBase64, fromHex, sha256, strictUtf8, utf8 } from "./bytes.js";
import { checkPublicKey, verifyEd25519 } from "./ed25519.js";

export const ED25519 = 0x01;
export const COSIGNATURE_ED25519 = 0x04;
export const COSIGNATURE_ML_DSA_44 = 0x06;
const KEY_LENGTHS = new Map([
  [ED25519, 32],
  [COSIGNATURE_ED25519, 32],
  [COSIGNATURE_ML_DSA_44, 1312],
]);

const MAX_LINES = 100;
const MAX_SIZE = 1_000_000;

// Unicode's White_Space, written out as on the server: tables of two versions differ.
const NAME = /^[^+ \t\n\v\f\r\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/;
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;

/** Throws Fault (name) unless this may be the name of a key: not empty, no space, no plus sign. */
export function checkName(name) {
  if (!NAME.test(name)) throw new Fault("name", name);
}

/** A note's text (with its final line feed) and its lines `{name, keyId, signature, written}`. Nothing is verified.
 * Throws Fault (empty, too-large, bad-utf8, control-byte, no-signatures, shape, encoding, name). */
export function parseNote(raw, maxLines = MAX_LINES) {
  if (raw.length === 0) throw new Fault("empty");
  if (raw.length > MAX_SIZE) throw new Fault("too-large", raw.length);
  const whole = strictUtf8(raw);
  if (CONTROL.test(whole)) throw new Fault("control-byte");
  const cut = whole.lastIndexOf("\n\n") + 1;
  const [first, ...lines] = whole.slice(cut).split("\n");
  if (cut === 0 || whole.length === cut + 1) throw new Fault("no-signatures");
  if (first !== "" || lines.pop() !== "") throw new Fault("shape");
  if (lines.length > maxLines) throw new Fault("too-large", lines.length);
  return { text: whole.slice(0, cut), lines: lines.map(parseLine) };
}

function parseLine(written) {
  const [, name, payload] = /^— ([^ ]*)(?: ([^]*))?$/.exec(written) ?? [];
  if (name === undefined) throw new Fault("encoding", written);
  checkName(name);
  const blob = fromBase64(payload ?? "");
  if (blob.length < 5) throw new Fault("encoding", written);
  return { name, keyId: blob.subarray(0, 4), signature: blob.subarray(4), written };
}

/** The 4 bytes that tell keys of one name apart. */
export async function keyId(name, type, key) {
  return (await sha256(utf8(`${name}\n`), Uint8Array.of(type), key)).subarray(0, 4);
}

/** A key `{name, keyId, type, key, vkey}` from its one string. Throws Fault (encoding, name, key, weak-key). */
export async function parseVkey(vkey) {
  // The base64 may contain plus signs, the name may not: only the first two cut.
  const [, name, hex, encoded] = /^([^+]*)\+([0-9a-f]{8})\+([^]*)$/.exec(vkey) ?? [];
  if (name === undefined) throw new Fault("encoding", vkey);
  checkName(name);
  const blob = fromBase64(encoded);
  const [type] = blob;
  const key = blob.subarray(1);
  if (KEY_LENGTHS.get(type) !== key.length) throw new Fault("key", vkey);
  const id = fromHex(hex, 4);
  if (!equal(await keyId(name, type, key), id)) throw new Fault("key", vkey);
  if (type !== COSIGNATURE_ML_DSA_44) checkPublicKey(key);
  return { name, keyId: id, type, key, vkey };
}

/** Each line with its key, in the order of the lines; lines of unknown keys are left out. */
export function knownLines(note, verifiers) {
  return note.lines.flatMap((line) => {
    const verifier = verifiers.find((one) => one.name === line.name && equal(one.keyId, line.keyId));
    return verifier ? [{ verifier, line }] : [];
  });
}

/** Throws Fault (weak-key, bad-signature) unless the line is the plain signature of this key on the text. */
export async function verifyLine(verifier, text, line) {
  if (verifier.type !== ED25519) throw new Fault("bad-signature", line.written);
  await verifyEd25519(verifier.key, utf8(text), line.signature);
}
