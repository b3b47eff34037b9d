// From a statement to a receipt that this browser has verified: signed, kept, sent, proven, in this order.
//
//   1. sign      what was signed is kept in the browser before anything is sent (mine.js)
//   2. send      the ledger answers with a receipt (sign.js tries again where it is asked to)
//   3. verify    the receipt is held against the reader's own policy, or else this site's (receipt.js)
//   4. keep      the receipt, beside what was signed; only now it is called registered
//
// Whatever ends in between, a closed tab or a lost answer, `send` of what was kept goes on where it stopped.

import { utf8 } from "./bytes.js";
import * as memory from "./memory.js";
import * as mine from "./mine.js";
import { policyOf } from "./policy.js";
import { verifyReceipt } from "./receipt.js";
import { NotRegistered, makeNote, patience, saidNow, submit } from "./sign.js";

// A clock that differs by less says the same day and minute; a wrong one would have the statement refused.
const MOST_MS_OFF = 120_000;

/** The time to sign: this device's, or that of the server where the two differ by minutes. */
export async function timeToSign(path) {
  try {
    const answer = await fetch(`${path}/checkpoint`, { method: "HEAD", cache: "no-store", ...patience(10) });
    const theirs = Date.parse(answer.headers.get("date"));
    if (Math.abs(theirs - Date.now()) > MOST_MS_OFF) return saidNow(theirs);
  } catch {
    // without a network the device's own has to do
  }
  return saidNow();
}

/** Sign a statement and keep it as pending. `about` are the other fields of its record (mine.js). */
export async function signAndKeep(statement, contents, signer, { origin, ...about }) {
  const { note, identity } = await makeNote(statement, origin, [signer]);
  const kept = contents.map(({ salt, content }) => ({ salt, content }));
  const record = {
    ...about,
    origin,
    identity,
    kind: statement.kind,
    about: about.about ?? identity,
    key: signer.key,
    note,
    contents: kept,
    said: statement.said_at,
    state: "pending",
  };
  await mine.keep(record);
  return record;
}

/** The receipt that came does not hold: `reason` is that of the first step which breaks, `answer` what came. */
export class Unproven extends Error {
  constructor(reason, answer) {
    super(reason);
    Object.assign(this, { reason, answer });
  }
}

/** Send what was kept; its record once it is registered, with `standing`: `cosigned`, `provisional`, or `unwitnessed` where
 * the policy asks for no witness. Throws NotRegistered, Unproven; what is refused for good is kept no longer. */
export async function send(record, onProgress = () => {}) {
  let answer;
  try {
    answer = await submit(record.path, record.note, record.contents, { onProgress });
  } catch (refused) {
    if (!mayArrive(refused)) await mine.forget(record.identity);
    throw refused;
  }
  onProgress({ phase: "verifying" });
  const { index, standing } = await prove(answer, record);
  const registered = { ...record, state: "registered", index, received: answer.received_at, receipt: answer.receipt };
  await mine.keep(registered);
  return { ...registered, standing };
}

/** Could the statement be taken later, or be registered already, whatever was answered? */
export const mayArrive = (error) =>
  error instanceof Unproven ||
  ["offline", "unreadable", "busy", "rate-limit"].includes(error.code) ||
  error.status >= 500;

async function prove(answer, record) {
  const policy = await trusted(record);
  const found = await verifyReceipt(utf8(answer.receipt), policy);
  if (![null, "not-cosigned"].includes(found.kind)) {
    throw new Unproven(found.steps.find(({ state }) => state === "broken")?.reason ?? "shape", answer);
  }
  const { identity, proof, entry } = found;
  const isOurs = identity === record.identity && proof.index === BigInt(answer.index);
  if (!isOurs || entry.received !== answer.received_at) throw new Unproven("content", answer);
  const cosigned = found.kind === null ? "cosigned" : "provisional";
  return { index: Number(proof.index), standing: policy.quorum === "none" ? "unwitnessed" : cosigned };
}

/** Whom the reader trusts to judge a receipt of this ledger: a policy of their own, or this site's. */
async function trusted({ path, origin }) {
  const own = memory.keptPolicy();
  const policy = own && (await policyOf(own).catch(() => undefined));
  if (policy?.logs.some(({ name }) => name === origin)) return policy;
  try {
    const answer = await fetch(`${path}/policy`, { cache: "no-store", ...patience(60) });
    return await policyOf(new Uint8Array(await answer.arrayBuffer()));
  } catch {
    throw new NotRegistered({ code: "offline" });
  }
}
