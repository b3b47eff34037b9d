// Policies: which logs a reader trusts, and how many of which witnesses must have seen a checkpoint.
//
// Spec: c2sp.org/tlog-policy
//
//   log <vkey> [url]          witness <name> <vkey> [url]
//   group <name> all|any|<number> <member>...          quorum <name>|none
//
// Items are separated by spaces or tabs; empty lines and lines that begin with # do not count. Names are defined before
// they are used, and each is a member once at most. Names are bytes, of which each stands here as one character.
//
// No browser verifies ML-DSA-44. The line of such a witness of the policy is named as not verified, and never counted.

import { Fault, equal, fromDecimal, strictUtf8 } from "./bytes.js";
import { verifyCosignature } from "./checkpoint.js";
import { COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, ED25519, knownLines, parseVkey } from "./note.js";

const MAX_SIZE = 1_000_000;
const LOG_TYPES = [ED25519, COSIGNATURE_ML_DSA_44];
const WITNESS_TYPES = [COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44];

/** The policy `{logs, witnesses, groups, quorum}` of a file's bytes. Throws Fault. */
export async function parsePolicy(raw) {
  if (raw.length > MAX_SIZE) throw new Fault("too-large", raw.length);
  const text = characters(raw);
  if (/[^\t\n\x20-\x7e\x80-\xff]/.test(text)) throw new Fault("control-byte");
  if (!text.endsWith("\n")) throw new Fault("shape");
  const draft = new Draft();
  for (const line of text.slice(0, -1).split("\n")) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    if (words.length && !words[0].startsWith("#")) await draft.read(words, line);
  }
  if (draft.quorum === undefined) throw new Fault("shape", "quorum");
  const { logs, witnesses, groups, quorum } = draft;
  return { logs, witnesses, groups, quorum };
}

/** The policy of a file's bytes; or, where they are nothing but one vkey, the policy that trusts this log key and asks
 * for no witness. Throws Fault. */
export async function policyOf(raw) {
  const [vkey, ...more] = asciiWords(raw);
  if (vkey === undefined || more.length || !vkey.includes("+")) return parsePolicy(raw);
  return { logs: [await keyOf(utf8Word(vkey), [ED25519])], witnesses: [], groups: [], quorum: "none" };
}

const characters = (raw) => Array.from(raw, (byte) => String.fromCharCode(byte)).join("");
const asciiWords = (raw) => characters(raw).split(/[ \t\n\v\f\r]+/).filter((word) => word !== "");

async function keyOf(vkey, types) {
  const verifier = await parseVkey(vkey);
  if (!types.includes(verifier.type)) throw new Fault("key", vkey);
  return verifier;
}

const utf8Word = (word) => strictUtf8(Uint8Array.from(word, (character) => character.charCodeAt(0)));

/** A policy as far as its lines have been read. */
class Draft {
  logs = [];
  witnesses = [];
  groups = [];
  quorum = undefined;
  #names = new Set();
  #members = new Set();

  async read([keyword, ...words], line) {
    if (keyword === "log" && [1, 2].includes(words.length)) {
      this.logs.push(await this.#fresh(words[0], LOG_TYPES, this.logs));
    } else if (keyword === "witness" && [2, 3].includes(words.length)) {
      const verifier = await this.#fresh(words[1], WITNESS_TYPES, this.witnesses.map((one) => one.verifier));
      this.#define(words[0]);
      this.witnesses.push({ name: words[0], verifier });
    } else if (keyword === "group" && words.length >= 3) {
      const [name, threshold, ...members] = words;
      for (const member of members) this.#take(member);
      this.#define(name); // only now: no group is its own member
      this.groups.push({ name, threshold: thresholdOf(threshold, members.length), members });
    } else if (keyword === "quorum" && words.length === 1) {
      if (this.quorum !== undefined) throw new Fault("shape", line);
      if (words[0] !== "none" && !this.#names.has(words[0])) throw new Fault("reference", line);
      [this.quorum] = words;
    } else {
      throw new Fault("shape", line);
    }
  }

  async #fresh(word, types, others) {
    const verifier = await keyOf(utf8Word(word), types);
    if (others.some((other) => equal(other.key, verifier.key))) throw new Fault("reference", verifier.vkey);
    return verifier;
  }

  #define(name) {
    if (name === "none" || this.#names.has(name)) throw new Fault("reference", name);
    this.#names.add(name);
  }

  #take(member) {
    if (!this.#names.has(member) || this.#members.has(member)) throw new Fault("reference", member);
    this.#members.add(member);
  }
}

function thresholdOf(word, members) {
  if (word === "all") return members;
  if (word === "any") return 1;
  const threshold = Number(fromDecimal(utf8Word(word), BigInt(members)));
  if (threshold < 1) throw new Fault("shape", word);
  return threshold;
}

/** Do these witnesses, by their names in the policy, make up the quorum? */
export function isQuorum(policy, names) {
  if (policy.quorum === "none") return true;
  const reached = new Set(names);
  // Members are defined before their group, so one pass in the order of the file is enough.
  for (const group of policy.groups) {
    if (group.members.filter((member) => reached.has(member)).length >= group.threshold) reached.add(group.name);
  }
  return reached.has(policy.quorum);
}

/** What the policy's witnesses say of a checkpoint: `cosignatures`, each `{witness, time}` with the latest time, in the
 * order of the policy; `unverified`, the lines that no browser verifies; `reached`, whether the quorum is.
 * Throws Fault (weak-key, bad-signature) for a known line that fails. */
export async function cosignaturesOf(policy, checkpoint) {
  const latest = new Map();
  const unverified = [];
  for (const { verifier, line } of knownLines(checkpoint.note, policy.witnesses.map((one) => one.verifier))) {
    if (verifier.type === COSIGNATURE_ML_DSA_44) {
      unverified.push(line);
      continue;
    }
    const time = await verifyCosignature(verifier, checkpoint, line);
    if (time > (latest.get(verifier) ?? 0n)) latest.set(verifier, time);
  }
  const seconds = policy.logs.filter((one) => one.name === checkpoint.origin && one.type === COSIGNATURE_ML_DSA_44);
  unverified.push(...knownLines(checkpoint.note, seconds).map(({ line }) => line));
  const cosignatures = policy.witnesses
    .filter((one) => latest.has(one.verifier))
    .map((witness) => ({ witness, time: latest.get(witness.verifier) }));
  return { cosignatures, unverified, reached: isQuorum(policy, cosignatures.map((one) => one.witness.name)) };
}
