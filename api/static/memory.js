// What this browser remembers: the newest checkpoint that it verified of each log, and whom its reader trusts.
//
// Two signed checkpoints of one log that do not fit together are proof that the log showed two histories. A browser that
// keeps the newest one it saw can find that out by itself, without a witness:
//
//   same size, same root                 the same state
//   same size, another root              a fork
//   larger or smaller                    the server shows the root that the larger tree had at the smaller size, and the
//                                        way from there (RFC 9162, 2.1.4): the same root, or a fork
//
// Anything less is no alarm: a copy may lag behind, and a network may answer with a page of its own.
//
// Kept in localStorage, so it belongs to this browser and to the site that served the page. Without storage (some
// browsers refuse it) everything works and nothing is compared.

import { Fault, equal, fromBase64, fromDecimal, toBase64, toHex, utf8 } from "./bytes.js";
import { parseCheckpoint, verifyLogLines } from "./checkpoint.js";
import { checkConsistency } from "./merkle.js";
import { parseVkey } from "./note.js";

const SEEN = "constancia/seen/";
const FORK = "constancia/fork/";
const POLICY = "constancia/policy";

/** One value of the storage; undefined where there is none, or no storage. */
function stored(name) {
  try {
    return localStorage.getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}

function store(name, text) {
  try {
    if (text === undefined) localStorage.removeItem(name);
    else localStorage.setItem(name, text);
  } catch {
    // nothing is remembered
  }
}

/** The bytes of the reader's own policy or key, as they came; undefined where they gave none. */
export function keptPolicy() {
  const kept = stored(POLICY);
  try {
    return kept === undefined ? undefined : fromBase64(kept);
  } catch {
    return undefined;
  }
}

export const keepPolicy = (raw) => store(POLICY, toBase64(raw));
export const forgetPolicy = () => store(POLICY, undefined);

const nameOf = (verifier) => `${SEEN}${verifier.name}+${toHex(verifier.keyId)}`;

/** The newest checkpoint seen of the log with one of these keys, verified again: `{checkpoint, raw}`, or undefined. */
export async function lastSeen(verifiers) {
  let newest;
  for (const verifier of verifiers) {
    const raw = stored(nameOf(verifier));
    if (raw === undefined) continue;
    try {
      const checkpoint = parseCheckpoint(utf8(raw));
      await verifyLogLines(checkpoint, [verifier]);
      if (!newest || checkpoint.size > newest.checkpoint.size) newest = { checkpoint, raw };
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      store(nameOf(verifier), undefined); // whatever was written there, it was not what we kept
    }
  }
  return newest;
}

/** Keep a checkpoint that these keys of the log signed. */
export function remember(verifiers, raw) {
  for (const verifier of verifiers) store(nameOf(verifier), raw);
}

/** The raw checkpoints of all logs that this browser keeps. */
export const allSeen = () => namesUnder(SEEN).map(stored);

/** Forget every checkpoint. */
export const forgetSeen = () => namesUnder(SEEN).forEach((name) => store(name, undefined));

function namesUnder(beginning) {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(beginning)).sort();
  } catch {
    return [];
  }
}

/** How a verified checkpoint stands to the last one seen: `{state, seen, why, proof}` with the state
 *
 *   first          nothing was seen before               same     the same size and root
 *   grown, older   proven to be its continuation, or its beginning
 *   unasked        not compared, because of `why`: what `ask` said
 *   unproven       not compared: the server gave a proof that does not hold
 *   fork           proven: another root at the same size, or at different sizes with `proof` {from, to, oldRoot, hashes}
 *
 * `ask(from, to)` gives `{oldRoot, hashes}` as base64 texts: the root that the server's tree had at the smaller size, and
 * the path from there; or `{why}` where no such thing can be had: `unreached`, `behind`, `unreadable`, `elsewhere`. A
 * server that lies about its root cannot make a fork of it: the path has to lead from that root to the larger head, which
 * the ledger signed. What is new and fits is remembered. */
export async function compare(checkpoint, raw, verifiers, ask) {
  const seen = await lastSeen(verifiers);
  if (!seen) {
    remember(verifiers, raw);
    return { state: "first" };
  }
  const found = await relation(seen.checkpoint, checkpoint, ask);
  if (found.state === "grown") remember(verifiers, raw);
  return { ...found, seen };
}

async function relation(seen, checkpoint, ask) {
  if (seen.size === checkpoint.size) return { state: equal(seen.root, checkpoint.root) ? "same" : "fork" };
  const [small, large] = seen.size < checkpoint.size ? [seen, checkpoint] : [checkpoint, seen];
  const { why, oldRoot, hashes } = await ask(small.size, large.size);
  if (why) return { state: "unasked", why };
  const proof = { from: String(small.size), to: String(large.size), oldRoot, hashes };
  if (!(await leads(proof, large))) return { state: "unproven" };
  if (oldRoot !== toBase64(small.root)) return { state: "fork", proof };
  return { state: small === seen ? "grown" : "older" };
}

/** Do these hashes lead from the older root in the proof to the root of the larger checkpoint? */
async function leads({ from, oldRoot, hashes }, large) {
  try {
    const path = hashes.map((hash) => fromBase64(hash, 32));
    await checkConsistency(fromDecimal(from), fromBase64(oldRoot, 32), large.size, large.root, path);
    return true;
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return false;
  }
}

// --- forks, kept until the reader says that they have the files ---

let latest; // for browsers that store nothing: what this page found

/** Keep a proven fork: both notes, the keys that signed them, and the proof where their sizes differ. */
export function keepFork(verifiers, notes, proof) {
  latest = JSON.stringify({ vkeys: verifiers.map((one) => one.vkey), notes, proof });
  store(`${FORK}${notes.map((note) => headName(parseCheckpoint(utf8(note)))).join("/")}`, latest);
}

const headName = ({ origin, size, root }) => `${origin}/${size}-${toHex(root).slice(0, 16)}`;

/** The forks that are kept, each proven anew: `{verifiers, heads, notes, proof}`. What proves nothing is left out. */
export async function keptForks() {
  const kept = new Set([...namesUnder(FORK).map(stored), latest].filter(Boolean));
  const forks = await Promise.all([...kept].map(provenFork));
  return forks.filter(Boolean);
}

/** Forget the forks: the reader has the files. */
export function forgetForks() {
  latest = undefined;
  for (const name of namesUnder(FORK)) store(name, undefined);
}

async function provenFork(kept) {
  try {
    const { vkeys, notes, proof } = JSON.parse(kept);
    const verifiers = await Promise.all(vkeys.map(parseVkey));
    const heads = notes.map((note) => parseCheckpoint(utf8(note)));
    for (const head of heads) await verifyLogLines(head, verifiers);
    const [small, large] = [...heads].sort((one, other) => (one.size < other.size ? -1 : 1));
    const differ = small.size === large.size ? !equal(small.root, large.root) : proof.oldRoot !== toBase64(small.root);
    const from = String(small.size);
    const whole = small.size === large.size || (proof.from === from && (await leads(proof, large)));
    return differ && whole && small.origin === large.origin ? { verifiers, heads, notes, proof } : undefined;
  } catch {
    return undefined;
  }
}
