// What this browser remembers: the newest checkpoint that it verified of each log, and whom its reader trusts.
//
// Two signed checkpoints of one log that do not fit together are proof that the log showed two histories. A browser that
// keeps the newest one it saw can find that out by itself, without a witness:
//
//   same size, same root                 the same state
//   same size, another root              a fork
//   larger or smaller                    the server must prove that one is the beginning of the other (RFC 9162, 2.1.4)
//
// Kept in localStorage, so it belongs to this browser and to the site that served the page. Without storage (some
// browsers refuse it) everything works and nothing is compared.

import { Fault, fromBase64, toBase64, toHex, utf8 } from "./bytes.js";
import { parseCheckpoint, verifyLogLines } from "./checkpoint.js";
import { checkConsistency } from "./merkle.js";

const SEEN = "constancia/seen/";
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
export function allSeen() {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(SEEN)).sort().map((name) => stored(name));
  } catch {
    return [];
  }
}

/** Forget every checkpoint. */
export function forgetSeen() {
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith(SEEN)) store(name, undefined);
  } catch {
    // nothing was kept
  }
}

/** How a verified checkpoint stands to the last one seen: `{state, seen}` with the state
 *
 *   first          nothing was seen before               same     the same size and root
 *   grown, older   proven to be its continuation, or its beginning
 *   unasked        no proof could be had now: `ask` gave undefined
 *   fork, broken, refused   alarm: another root at the same size; a proof that fails; a server that has none
 *
 * `ask(from, to)` gives the hashes as base64 texts, null where the server says that it has no such proof, undefined where
 * it cannot be asked. What is new and fits is remembered. */
export async function compare(checkpoint, raw, verifiers, ask) {
  const seen = await lastSeen(verifiers);
  if (!seen) {
    remember(verifiers, raw);
    return { state: "first", seen };
  }
  const state = await relation(seen.checkpoint, checkpoint, ask);
  if (state === "grown") remember(verifiers, raw);
  return { state, seen };
}

async function relation(seen, checkpoint, ask) {
  if (seen.size === checkpoint.size) return toHex(seen.root) === toHex(checkpoint.root) ? "same" : "fork";
  const [small, large] = seen.size < checkpoint.size ? [seen, checkpoint] : [checkpoint, seen];
  const hashes = await ask(small.size, large.size);
  if (hashes === undefined) return "unasked";
  if (hashes === null) return "refused";
  try {
    const proof = hashes.map((hash) => fromBase64(hash, 32));
    await checkConsistency(small.size, small.root, large.size, large.root, proof);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return "broken";
  }
  return small === seen ? "grown" : "older";
}
