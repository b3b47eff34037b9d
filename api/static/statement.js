// A statement as bytes: one line of canonical JSON under the ledger's origin, in a signed note; and the entry around it.
//
// Specs: ledger/FORMAT.md ("Canonical JSON", "Statement", "Entry", "Contents"); RFC 8785. The twin of
// ledger/statement.py and consultation/text.py.
//
//   2026-11-22T08:14:00.123Z                                 received time, then the note:
//   constancia.example/gt                                    origin
//   {"by":[{"actor":"copret","key":"03a1…","role":…}],…}     one object in its only form
//                                                            (empty line)
//   — constancia.example/gt/k/56475aa75463474c… base64…      one line for each signer, in the order of `by`
//
// Nothing is believed before its turn: bytes, form, shape of the kind (kinds.js, made from the vocabulary), signers,
// signatures. A statement's identity is the SHA-256 of its signed text; signatures are no part of it.

import { Fault, equal, fromHex, sha256, strictUtf8, toHex, utf8 } from "./bytes.js";
import { verifyEd25519 } from "./ed25519.js";
import { KINDS, SHAPES, TYPES } from "./kinds.js";
import { ED25519, keyId, parseNote } from "./note.js";

const MAX_ENTRY = 65_535;
const TIME_LENGTH = 24;
const MAX_NOTE = MAX_ENTRY - TIME_LENGTH - 1;
const MAX_DEPTH = 16;
const MAX_SIGNERS = 16;
const MAX_TEXT_BYTES = 8_192;

// --- entries ---

const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;

/** `{received, note}` of a leaf's bytes: its received time, exact to the millisecond, and the bytes of its note.
 * Throws Fault (entry). */
export function parseEntry(entry) {
  const received = String.fromCharCode(...entry.subarray(0, TIME_LENGTH));
  const isTime = TIME.test(received) && !Number.isNaN(Date.parse(received));
  if (entry.length > MAX_ENTRY || entry[TIME_LENGTH] !== 0x0a || !isTime) throw new Fault("entry", received);
  // A browser takes some moments that no calendar has for others, and a year 0.
  const again = new Date(received).toISOString();
  if (again !== received || received.startsWith("0000")) throw new Fault("entry", received);
  return { received, note: entry.subarray(TIME_LENGTH + 1) };
}

// --- canonical JSON ---

/** The canonical form of a value within our subset. Throws Fault (not-canonical, nul, bad-utf8, too-large). */
export function canonical(value) {
  if (typeof value === "string") return canonicalString(value);
  if (typeof value === "boolean" || Number.isSafeInteger(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") throw new Fault("not-canonical", String(value));
  // Sorted here: engines put names that look like numbers first.
  const members = Object.keys(value).sort().map((name) => `${canonicalString(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

function canonicalString(text) {
  const bytes = utf8(text);
  if (strictUtf8(bytes) !== text) throw new Fault("bad-utf8"); // half of a surrogate pair, which no UTF-8 can hold
  if (text.includes("\0")) throw new Fault("nul");
  if (bytes.length > MAX_TEXT_BYTES) throw new Fault("shape", text);
  return JSON.stringify(text);
}

/** The object of one line of canonical JSON. Throws Fault (too-deep, not-json, and the reasons of `canonical`). */
export function parseCanonical(line) {
  checkDepth(line);
  let value;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Fault("not-json", line);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Fault("shape", line);
  if (canonical(value) !== line) throw new Fault("not-canonical", line);
  return value;
}

/** Before anything is parsed, and without recursion. */
function checkDepth(line) {
  let depth = 0;
  for (const [bracket] of line.replace(/"(?:[^"\\]|\\[^])*"/g, '""').matchAll(/[[\]{}]/g)) {
    depth += "[{".includes(bracket) ? 1 : -1;
    if (depth > MAX_DEPTH) throw new Fault("too-deep");
  }
}

// --- the shape of a kind ---

/** Throws Fault (shape) unless the object is a statement of a known kind, with its fields and no others. */
function checkStatement(statement) {
  const { kind, ...fields } = statement;
  if (!KINDS.includes(kind)) throw new Fault("shape", `kind ${kind}`);
  checkShape(fields, kind, kind);
  const citizens = ["citizen", "recovery"];
  for (const { actor, role } of fields.by) {
    if ((actor === undefined) !== citizens.includes(role)) throw new Fault("shape", "by");
  }
  if (new Set(fields.by.map(({ key }) => key)).size !== fields.by.length) throw new Fault("shape", "by");
  const missing = (SHAPES[kind].unless_printed ?? []).find((name) => !has(fields, name));
  if (missing && !has(fields, "printed")) throw new Fault("shape", missing);
}

const has = (object, name) => Object.hasOwn(object, name);

function checkShape(value, name, where) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Fault("shape", where);
  const { fields } = SHAPES[name];
  const unknown = Object.keys(value).find((field) => !has(fields, field));
  if (unknown !== undefined) throw new Fault("shape", `${where}.${unknown}`);
  for (const [field, [type, required]] of Object.entries(fields)) {
    if (has(value, field)) checkType(value[field], type, `${where}.${field}`);
    else if (required) throw new Fault("shape", `${where}.${field}`);
  }
  if (CHECKS[name] && !CHECKS[name](value)) throw new Fault("shape", where);
}

function checkType(value, named, where) {
  const type = typeof named === "string" ? TYPES[named] : named;
  if (type.any) {
    const object = type.any.find((one) => one.shape);
    const other = type.any.find((one) => !one.shape);
    checkType(value, typeof value === "object" ? object : other, where);
  } else if (type.shape) {
    checkShape(value, type.shape, where);
  } else if (type.list) {
    checkList(value, type, where);
  } else if (!fits(value, type)) {
    throw new Fault("shape", where);
  }
}

function checkList(value, { list, min = 0, max = Infinity }, where) {
  if (!Array.isArray(value) || value.length < min || value.length > max) throw new Fault("shape", where);
  value.forEach((member, at) => checkType(member, list, `${where}[${at}]`));
  if (new Set(value.map(canonical)).size !== value.length) throw new Fault("shape", where);
}

function fits(value, type) {
  if (type.one_of) return type.one_of.includes(value);
  if (type.truth) return typeof value === "boolean";
  if (type.integer) return Number.isSafeInteger(value) && value >= type.integer[0] && value <= type.integer[1];
  if (typeof value !== "string") return false;
  const length = [...value].length; // code points, as the server counts
  if (length < (type.min ?? 0) || length > (type.max ?? Infinity)) return false;
  return !type.pattern || new RegExp(type.pattern, "u").test(value);
}

// The ISO weeks of a year: 53 where it begins or ends on a Thursday.
function weeksOf(year) {
  const first = new Date(Date.UTC(2000, 0, 1));
  first.setUTCFullYear(year);
  const last = new Date(first);
  last.setUTCMonth(11, 31);
  return first.getUTCDay() === 4 || last.getUTCDay() === 4 ? 53 : 52;
}

// An amendment changes something: one field at least beyond those that every amendment has.
const KEPT = ["kind", "by", "said_at", "lang", "plan", "printed", "commitment", "mechanism", "reason", "agreement"];
const amends = (one) => Object.keys(one).some((name) => !KEPT.includes(name));

// What single shapes ask beyond the types of their fields: `check` in ledger/vocabulary.py, by the same names.
export const CHECKS = {
  Words: (one) => has(one, "text") !== has(one, "salted_digest"),
  Date: ({ precision, day }) =>
    (day === undefined) === (precision === "none") &&
    !(precision === "month" && day.slice(8) !== "01") &&
    !(precision === "year" && day.slice(5) !== "01-01"),
  Recovery: ({ keys, threshold }) => keys.length >= threshold,
  IndicatorMeasured: (one) =>
    has(one, "first_day") === has(one, "last_day") && has(one, "as_of") !== has(one, "first_day"),
  EvidenceLinked: (one) => has(one, "url") !== has(one, "upload"),
  EvidenceChecked: (one) => !["alive", "changed"].includes(one.seen) || has(one, "digest"),
  RoundOpened: ({ opens, closes, late, late_until: until, parts }) => {
    const names = parts.map(({ part }) => part);
    const window = opens < closes && (until === undefined || (late === "accept" && until >= closes));
    return window && !names.includes("whole") && new Set(names).size === names.length;
  },
  AssessmentOpened: (one) => one.from < one.until,
  CommitmentAmended: amends,
  MechanismAmended: amends,
  WeeklyReportFiled: ({ week }) => Number(week.slice(6)) <= weeksOf(Number(week.slice(0, 4))),
  ResponseGiven: (one) => one.disposition !== "rejected" || has(one, "words"),
};

// --- statements ---

/** `{statement, line, text, lines}` of a note for the ledger `origin`; no signature is looked at.
 * Throws Fault (too-large, wrong-origin, not-json, not-canonical, shape and others). */
export function readStatement(note, origin) {
  if (note.length > MAX_NOTE) throw new Fault("too-large", note.length);
  const { text, lines } = parseNote(note, MAX_SIGNERS);
  const [first, line, end, ...more] = text.split("\n");
  if (end !== "" || more.length || !line.startsWith("{")) throw new Fault("not-json", text);
  if (first !== origin) throw new Fault("wrong-origin", first);
  const statement = parseCanonical(line);
  checkStatement(statement);
  return { statement, line, text, lines };
}

/** Name and key id of the signature line of a key in the ledger `origin`: no line can carry another's name. */
export async function keyName(origin, key) {
  const name = `${origin}/k/${toHex(await sha256(key)).slice(0, 32)}`;
  return { name, id: await keyId(name, ED25519, key) };
}

/** Throws Fault (bad-signature, weak-key) unless exactly the signers that `by` names signed, in that order. */
export async function verifySigners({ statement, text, lines }, origin) {
  const { by } = statement;
  if (lines.length !== by.length) throw new Fault("bad-signature", `${lines.length} / ${by.length}`);
  for (const [at, line] of lines.entries()) {
    const key = fromHex(by[at].key, 32);
    const { name, id } = await keyName(origin, key);
    if (line.name !== name || !equal(line.keyId, id)) throw new Fault("bad-signature", line.written);
    await verifyEd25519(key, utf8(text), line.signature);
  }
}

/** The identity of a statement, 64 hex digits, from its signed text. */
export const identityOf = async (text) => toHex(await sha256(utf8(text)));

// --- contents: what the tree holds only a salted digest of ---

/** The salted digest, 64 hex digits, of a content under the key (64 hex) of the statement's first signer. */
export async function saltedDigest(salt, origin, key, content) {
  const tied = utf8(`${origin}\n${key}\n`);
  return toHex(await sha256(utf8("constancia/content/v1\n"), salt, tied, utf8(canonical(content))));
}

/** The claim, 64 hex digits, that a comment carries for this secret of 32 bytes. */
export const claimOf = async (secret) => toHex(await sha256(utf8("constancia/claim/v1\n"), secret));

/** What a private file or a submission shows of a statement: `{contents, secret}`, their digests computed anew. `raw` are
 * the bytes that `constancia sign` left beside the note. Throws Fault (private-file, content, secret). */
export async function checkPrivate(raw, { statement }, origin, identity) {
  const file = privateFile(raw);
  const isOfAnother = file.statement !== identity || file.origin !== origin;
  if (file.statement !== undefined && isOfAnother) throw new Fault("content", file.statement);
  const texts = [];
  for (const { salt, content } of file.contents) {
    const digest = await saltedDigest(fromHex(salt, 32), origin, statement.by[0].key, content);
    if (!canonical(statement).includes(`"${digest}"`)) throw new Fault("content", digest);
    texts.push(content);
  }
  const { secret } = file;
  if (secret !== undefined && (await claimOf(fromHex(secret, 32))) !== statement.claim) throw new Fault("secret");
  return { contents: texts, secret: secret !== undefined };
}

function privateFile(raw) {
  try {
    const file = JSON.parse(strictUtf8(raw));
    const whole = ({ salt, content }) => typeof salt === "string" && content;
    if (Array.isArray(file.contents) && file.contents.every(whole)) return file;
  } catch {
    // told below
  }
  throw new Fault("private-file");
}

/** The claim secret, 64 hex digits, in a private file of the comment `identity` in the ledger `origin`. Throws Fault
 * (private-file, content, secret): it is no such file, or another's, or its secret is not that of `claim`. */
export async function secretIn(raw, origin, identity, claim) {
  const { statement, origin: ledger, secret } = privateFile(raw);
  if (statement !== identity || ledger !== origin) throw new Fault("content", statement);
  if (typeof secret !== "string" || (await claimOf(fromHex(secret, 32))) !== claim) throw new Fault("secret");
  return secret;
}
