// A statement signed in the browser, and sent: what `constancia sign` and `constancia submit` do, for people without them.
//
// Specs: ledger/FORMAT.md ("Statement", "Contents"); c2sp.org/signed-note. The twin of api/signing.py and api/posting.py.
//
//   const { salt, content, digest } = await newContent({ text }, origin, key);       the text and its salt stay beside
//   const { note, identity } = await makeNote({ kind, by: [{ key, role }], …, salted_digest: digest }, origin, signers);
//   const { index, receipt } = await submit("/gt", note, [{ salt, content }]);
//
// What leaves this module was read again as the server and every auditor will read it: form, fields of the kind, and
// each signature by the strict rules. A statement that nobody answered for is sent again as it is: the same text is the
// same statement, and has one place however often it comes.

import { concat, fromHex, toBase64, toHex, utf8 } from "./bytes.js";
import { canonical, identityOf, keyName, readStatement, saltedDigest, verifySigners } from "./statement.js";

const STATEMENT = "application/vnd.constancia.statement";
const SUBMISSION = "application/vnd.constancia.submission+json";
const UNSIGNED = "application/vnd.constancia.unsigned";

// --- signing ---

/** `bytes` random bytes from the browser's source, in hex. */
export const randomHex = (bytes) => toHex(crypto.getRandomValues(new Uint8Array(bytes)));

/** A content with a salt of its own and its salted digest under the key (64 hex) of the statement's first signer. */
export async function newContent(content, origin, keyHex) {
  const salt = randomHex(32);
  return { salt, content, digest: await saltedDigest(fromHex(salt, 32), origin, keyHex, content) };
}

/** `{note, identity}` of a statement for the ledger `origin`. `signers` are `{key, sign}` in the order of its `by`, where
 * `sign` gives (a promise of) the 64 bytes of the signature of bytes. Throws Fault for what the server would refuse. */
export async function makeNote(statement, origin, signers) {
  const text = `${origin}\n${canonical(statement)}\n`;
  const lines = await Promise.all(signers.map((one) => signatureLine(one, origin, text)));
  const note = `${text}\n${lines.join("")}`;
  const opened = readStatement(utf8(note), origin);
  await verifySigners(opened, origin);
  return { note, identity: await identityOf(opened.text) };
}

/** The line of one signer under a text. */
export async function signatureLine({ key, sign }, origin, text) {
  const { name, id } = await keyName(origin, fromHex(key, 32));
  const signature = new Uint8Array(await sign(utf8(text)));
  return `— ${name} ${toBase64(concat(id, signature))}\n`;
}

/** This moment as statements write it, to the second. */
export const saidNow = (ms = Date.now()) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** What is posted for a note and its contents `{salt, content}`: `{type, body}`. */
export function formatSubmission(note, contents) {
  if (!contents.length) return { type: STATEMENT, body: note };
  // Written by hand around the note, which is longer than any text inside a statement may be.
  const kept = contents.map(({ salt, content }) => canonical({ content, salt }));
  return { type: SUBMISSION, body: `{"contents":[${kept.join(",")}],"note":${JSON.stringify(note)}}` };
}

// --- sending ---

const TRIES = 5;
const MOST_WAIT_SECONDS = 60;
const ANSWER_SECONDS = 60;

/** Gives a request up after so many seconds, where the browser can. */
export const patience = (seconds) => ({ signal: AbortSignal.timeout?.(seconds * 1000) });

/** An answer other than a receipt. `code` is the server's (problem+json), or `offline` where none came, or `unreadable`
 * for one that is not the ledger's, as of a network that asks for a password; `refusal` is the desk's signed note, if any. */
export class NotRegistered extends Error {
  constructor({ status = 0, code = "", rule = "", title = "", detail = "", refusal, retryAfter, challenge }) {
    super(`${status} ${code}: ${detail || title}`);
    Object.assign(this, { status, code: code || `status-${status}`, rule, title, detail, refusal, retryAfter, challenge });
  }
}

/** Send a note with its contents to the ledger at `path` (`/gt`). Returns the server's answer `{index, identity,
 * received_at, receipt, provisional?}`. Throws NotRegistered.
 *
 * Waits and sends again where the server asks for it (429, 503), answers its proof of work, and gives a lost connection
 * two more tries. `onProgress` is told `{phase}`: sending, waiting (with `seconds`), working. */
export async function submit(path, note, contents, { onProgress = () => {} } = {}) {
  const { type, body } = formatSubmission(note, contents);
  const headers = { "content-type": type, accept: "application/json", "accept-language": languageOf() };
  for (let tried = 1; ; tried += 1) {
    onProgress({ phase: "sending", tried });
    try {
      return await post(`${path}/statements`, headers, body);
    } catch (refused) {
      if (!(refused instanceof NotRegistered) || tried >= TRIES || !mayTryAgain(refused, tried)) throw refused;
      await prepare(refused, headers, onProgress);
    }
  }
}

/** Ask the ledger at `path` whether it would admit the statement of a text that nobody has signed. Throws NotRegistered:
 * the refusal, or `offline`. */
export async function rehearse(path, text) {
  const headers = { "content-type": UNSIGNED, accept: "application/json", "accept-language": languageOf() };
  let answer;
  let said;
  try {
    const how = { method: "POST", headers, body: text, credentials: "omit", cache: "no-store", ...patience(ANSWER_SECONDS) };
    answer = await fetch(`${path}/mesa/ensayo`, how);
    said = parsed(await answer.text());
  } catch {
    throw new NotRegistered({ code: "offline" });
  }
  if (!answer.ok || said?.admissible !== true) throw new NotRegistered({ ...said, status: answer.status });
}

const languageOf = () => globalThis.document?.documentElement.lang || "es-GT";

const mayTryAgain = ({ status, code, challenge, retryAfter }, tried) =>
  (code === "offline" && tried < 3) ||
  (status === 429 && Boolean(challenge)) ||
  ([429, 503].includes(status) && retryAfter <= MOST_WAIT_SECONDS);

/** Before the next try: the proof of work that was asked for, or the wait. */
async function prepare({ challenge, retryAfter }, headers, onProgress) {
  delete headers["constancia-work"];
  if (challenge) {
    onProgress({ phase: "working" });
    const { solve } = await import("./work.js");
    headers["constancia-work"] = await solve(challenge, ({ done, most }) => onProgress({ phase: "working", done, most }));
  } else {
    onProgress({ phase: "waiting", seconds: retryAfter });
    await new Promise((done) => setTimeout(done, retryAfter * 1000));
  }
}

async function post(address, headers, body) {
  let answer;
  let text;
  try {
    const how = { method: "POST", headers, body, credentials: "omit", cache: "no-store", ...patience(ANSWER_SECONDS) };
    answer = await fetch(address, how);
    text = await answer.text();
  } catch {
    throw new NotRegistered({ code: "offline", retryAfter: 1 });
  }
  const said = parsed(text);
  if (answer.ok && said && typeof said.receipt === "string") return said;
  const retryAfter = Number(answer.headers.get("retry-after") ?? "2") || 2;
  if (!said) throw new NotRegistered({ status: answer.status, code: answer.ok ? "unreadable" : "", retryAfter });
  throw new NotRegistered({ ...said, status: answer.status, retryAfter });
}

function parsed(text) {
  try {
    const found = JSON.parse(text);
    return found !== null && typeof found === "object" ? found : undefined;
  } catch {
    return undefined;
  }
}
