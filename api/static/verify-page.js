// The page that verifies a receipt: what is read from the form, and what is said of it. What holds and what does not is
// decided in receipt.js and the modules below it; every sentence comes from the page, in the reader's language.
//
// Once the page is loaded nothing is asked of the network but one thing, and only where this browser has seen another
// checkpoint of this ledger: the proof that the two are of one history (memory.js).

import { Fault, strictUtf8, toBase64, toHex, utf8 } from "./bytes.js";
import { engine } from "./ed25519.js";
import * as memory from "./memory.js";
import { parseCheckpoint } from "./checkpoint.js";
import { policyOf } from "./policy.js";
import { oddityOf, verifyReceipt } from "./receipt.js";
import { at, element, foreign, moment, number, saves, say } from "./saying.js";
import { checkPrivate } from "./statement.js";

const form = at("verify");
const time = (ms) => moment(ms, form.dataset);

// --- the form ---

// Asked for at once, so that the page works without a network later.
const published = fetch(form.dataset.policy)
  .then((answer) => (answer.ok ? answer.arrayBuffer() : undefined))
  .then((raw) => raw && new Uint8Array(raw), () => undefined);

async function bytesOf(input) {
  const [file] = input.files;
  return file && new Uint8Array(await file.arrayBuffer());
}

/** What was pasted: its last line feed is easily left out. */
const pasted = (text) => (text === "" ? undefined : utf8(text.endsWith("\n") ? text : `${text}\n`));

/** A sentence for the reader, thrown where nothing can be verified. */
class Instead extends Error {}

/** The policy that judges: `{policy, source}`. */
async function chosenPolicy() {
  if (form.elements.trust.value === "site") {
    const raw = await published;
    if (!raw) throw new Instead(say("policy-unread"));
    return { policy: await readPolicy(raw), source: "site" };
  }
  const given = (await bytesOf(at("policy_file"))) ?? pasted(at("policy").value);
  const raw = given ?? memory.keptPolicy();
  if (!raw) throw new Instead(say("policy-missing"));
  const policy = await readPolicy(raw);
  if (given) memory.keepPolicy(given);
  return { policy, source: "own" };
}

/** The digest of a founding statement is easily taken for a key. */
const isDigest = (raw) => /^\s*[0-9a-f]{64}\s*$/i.test(new TextDecoder().decode(raw));

async function readPolicy(raw) {
  if (isDigest(raw)) throw new Instead(say("policy-is-founding"));
  try {
    return await policyOf(raw);
  } catch (fault) {
    throw instead(fault, "policy-wrong");
  }
}

function instead(fault, code) {
  if (!(fault instanceof Fault)) return fault;
  return new Instead(say(code, { reason: `${say(`reason.${fault.reason}`)} (${fault.evidence})` }));
}

async function showKept() {
  const raw = memory.keptPolicy();
  const kept = raw && (await policyOf(raw).catch(() => undefined));
  at("policy-kept").hidden = !kept;
  const names = kept?.logs.map((one) => `${one.name} (${toHex(one.keyId)})`).join(", ");
  at("policy-kept").firstElementChild.textContent = kept ? say("policy-kept", { names }) : "";
  return Boolean(kept);
}

// --- verifying ---

async function verify() {
  const mine = clear();
  const verdict = at("verdict");
  verdict.hidden = false;
  verdict.replaceChildren(element("p", "", say("working")));
  let kind = "none";
  let alarmed = false;
  let shown;
  try {
    const raw = (await bytesOf(at("receipt"))) ?? pasted(at("pasted").value);
    if (!raw) throw new Instead(say("receipt-missing"));
    const { policy, source } = await chosenPolicy();
    const found = await verifyReceipt(raw, policy);
    const content = await privateStep(found);
    const remembered = await comparison(found);
    alarmed = remembered?.state === "fork";
    const forked = await isForked(found);
    const several = policy.logs.filter((one) => one.name === found.checkpoint?.origin).length > 1;
    kind = verdictOf({ ...found, forked }, content);
    shown = spoken({ ...found, kind, oddity: oddityOf(raw), several }, source, content, remembered);
  } catch (trouble) {
    const sentence = trouble instanceof Instead ? trouble.message : say("cannot-start", { detail: String(trouble) });
    shown = [element("p", "said-verdict", sentence)];
    if (!(trouble instanceof Instead)) console.error(trouble);
  }
  await Promise.all([showKept(), showSeen(), showForks()]);
  if (mine !== run) return; // another file was chosen meanwhile
  verdict.replaceChildren(...shown);
  verdict.dataset.kind = kind; // now everything is said
  if (alarmed) at("alarm").scrollIntoView();
  else verdict.focus();
}

let run = 0;

/** Take the old verdict away, and whatever is being verified; the number of the run that may now begin. */
function clear() {
  const verdict = at("verdict");
  verdict.hidden = true;
  verdict.replaceChildren();
  delete verdict.dataset.kind;
  at("doubt").hidden = true;
  run += 1;
  return run;
}

/** The kind of verdict: what breaks in the receipt; else that the ledger signed two histories, or that the private file
 * is another's. */
function verdictOf({ kind, forked }, content) {
  if (forked && [null, "not-cosigned"].includes(kind)) return "fork";
  return kind ?? (content?.step.state === "broken" ? "private-differs" : "verified");
}

/** Does this browser keep the proof that the keys which signed here signed two histories? */
async function isForked({ logKeys = [] }) {
  const vkeys = (await memory.keptForks()).flatMap(({ verifiers }) => verifiers.map((one) => one.vkey));
  return logKeys.some((one) => vkeys.includes(one.vkey));
}

/** The step of the private file: `{step, text, secret}`; undefined where there is none, or no statement to compare. */
async function privateStep({ opened, checkpoint, identity }) {
  const raw = await bytesOf(at("private"));
  if (!raw || !opened) return undefined;
  const step = { name: "content", state: "ok", reason: null, evidence: "", bytes: "" };
  try {
    const { contents, secret } = await checkPrivate(raw, opened, checkpoint.origin, identity);
    return { step, text: contents.map((one) => one.text ?? one.name ?? "").join("\n"), secret };
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return { step: { ...step, state: "broken", reason: fault.reason, evidence: fault.evidence } };
  }
}

/** How the checkpoint stands to the last one seen; undefined where no key of the reader's signed it. */
async function comparison({ checkpoint, logKeys, proof }) {
  if (!logKeys || checkpoint.size === 0n) return undefined;
  const isHere = checkpoint.origin === form.dataset.origin;
  const ask = (from, to) => (isHere ? askServer(from, to) : { why: "elsewhere" });
  const found = await memory.compare(checkpoint, proof.checkpoint, logKeys, ask);
  const notes = [found.seen?.raw, proof.checkpoint];
  if (found.state === "fork") memory.keepFork(logKeys, notes, found.proof);
  if (found.state === "unproven") showDoubt(found.seen.checkpoint, checkpoint, notes);
  return found;
}

/** What the server shows of two sizes: `{oldRoot, hashes}`, or `{why}` it cannot be had (memory.js). */
async function askServer(from, to) {
  try {
    const answer = await fetch(`${form.dataset.consistency}?from=${from}&to=${to}`, { cache: "no-store" });
    if (answer.status === 404) return { why: "behind" };
    if (!answer.ok) return { why: "unreached" };
    return proofIn(await answer.json(), from, to);
  } catch (error) {
    return { why: error instanceof SyntaxError ? "unreadable" : "unreached" };
  }
}

function proofIn(answer, from, to) {
  if (answer?.checkpoint?.size < to) return { why: "behind" };
  const { old_root: oldRoot, hashes, ...sizes } = answer?.data ?? {};
  const texts = [oldRoot, ...(Array.isArray(hashes) ? hashes : [undefined])];
  const isAsked = String(sizes.from) === String(from) && String(sizes.to) === String(to);
  return isAsked && texts.every((one) => typeof one === "string") ? { oldRoot, hashes } : { why: "unreadable" };
}

// --- the alarm, and doubt ---

/** The forks that this browser keeps: what contradicts what, and all that shows it to others. */
async function showForks() {
  const forks = await memory.keptForks();
  at("alarm-list").replaceChildren(...forks.map(forkShown));
  at("alarm").hidden = !forks.length;
}

function forkShown({ heads, notes, proof }) {
  const [small, large] = bySize(heads);
  const same = small.size === large.size;
  const fills = { origin: small.origin, small: number(small.size), size: number(large.size) };
  return element(
    "div",
    "fork",
    element("p", "", say(same ? "fork.same" : "fork.grown", fills)),
    element("p", "", say(same ? "keep.two" : "keep.three")),
    element(
      "ul",
      "plain",
      note("note-seen", heads[0], notes[0]),
      note("note-receipt", heads[1], notes[1]),
      same ? undefined : download("fork-proof", `prueba-${small.size}-${large.size}.txt`, proofText(small, large, proof)),
    ),
  );
}

const bySize = (heads) => [...heads].sort((one, other) => (one.size < other.size ? -1 : 1));

/** The proof of a fork at different sizes, for whoever has both notes: sizes, roots and hashes, one a line. */
function proofText(small, large, { oldRoot, hashes }) {
  return [
    say("fork-proof-text", { small: small.size, size: large.size }),
    "",
    `origin ${small.origin}`,
    `root at ${small.size} in its own note`,
    toBase64(small.root),
    `root at ${small.size} under the note of ${large.size}`,
    oldRoot,
    `root at ${large.size} in its own note`,
    toBase64(large.root),
    `consistency proof ${small.size} to ${large.size}`,
    ...hashes,
    "",
  ].join("\n");
}

function showDoubt(seen, checkpoint, notes) {
  const [small, large] = bySize([seen, checkpoint]);
  at("doubt-what").textContent = say("memory.unproven", { seen: number(seen.size) });
  at("doubt-sizes").textContent = say("doubt", { small: number(small.size), size: number(large.size) });
  at("doubt-notes").replaceChildren(note("note-seen", seen, notes[0]), note("note-receipt", checkpoint, notes[1]));
  at("doubt").hidden = false;
}

const note = (code, { size, root }, raw) => download(code, `checkpoint-${size}-${toHex(root).slice(0, 8)}.txt`, raw);

function download(code, name, text) {
  const link = saves(element("a", "button", say(code)), name, text);
  const shown = element("pre", "", foreign(text));
  shown.tabIndex = 0;
  shown.setAttribute("aria-label", say(code));
  return element("li", "", element("p", "", link), shown);
}

// --- saying ---

const TONES = { verified: "good", "not-cosigned": "provisional", "private-differs": "provisional" };
const HOLDS = ["verified", "private-differs", "fork", "not-cosigned"];

function spoken(found, source, content, remembered) {
  const { kind, entry, proof, checkpoint, witnesses } = found;
  const facts = HOLDS.includes(kind) && {
    origin: checkpoint.origin,
    kind: say(`kind.${found.opened.statement.kind}`),
    received: time(Date.parse(entry.received)),
    index: number(proof.index),
  };
  const steps = [...found.steps, ...(content ? [content.step] : []), ...(remembered ? [memoryStep(remembered)] : [])];
  const unverified = witnesses?.unverified.length;
  return [
    element("p", `said-verdict ${TONES[kind] ?? "bad"}`, ...aroundOrigin(say(headline(found), facts || {}), checkpoint?.origin)),
    kind === "bad-receipt" && found.oddity === "line-ends" && element("p", "differ", say("line-ends")),
    element("p", source === "site" ? "differ" : "", say(`by-${source}`)),
    ...contentSentences(content),
    found.several && facts && element("p", "differ", say("several-keys")),
    remembered && element("p", remembered.state === "unproven" ? "differ" : "", memorySentence(remembered)),
    factsList(found, facts),
    element("ol", "steps", ...steps.map((step) => stepLine(step, found))),
    unverified ? element("p", "small", say("unverified-lines", { count: number(unverified) })) : undefined,
    ...closing(found),
  ].filter(Boolean);
}

/** A sentence in which the name of a ledger breaks behind its slashes and dots alone. */
function aroundOrigin(sentence, origin) {
  const at = origin ? sentence.indexOf(origin) : -1;
  if (at < 0) return [sentence];
  const parts = origin.split(/(?<=[/.])/).flatMap((part) => [element("span", "", part), element("wbr")]);
  const whole = element("bdi", "origin", ...parts.slice(0, -1));
  return [sentence.slice(0, at), whole, sentence.slice(at + origin.length)];
}

/** What is no receipt at all is told so; every other file by its verdict. */
const headline = ({ kind, oddity }) =>
  kind === "bad-receipt" && ["empty-file", "not-a-receipt"].includes(oddity) ? oddity : kind;

const ABOUT = ["commitment", "mechanism", "subject"];

/** What was stated, by whom and when, from the receipt alone; of one that does not hold, the identity alone. */
function factsList({ opened, entry, proof, checkpoint, identity }, holds) {
  if (!identity) return undefined;
  const rows = [];
  if (holds) {
    const { statement } = opened;
    const plan = ABOUT.some((name) => name in statement) ? [] : ["plan"];
    rows.push(["kind", say(`kind.${statement.kind}`)]);
    for (const name of [...plan, "round", ...ABOUT]) {
      if (typeof statement[name] === "string") rows.push([name, foreign(statement[name])]);
    }
    if (typeof statement.level === "string") rows.push(["level", say(`level.${statement.level}`)]);
    rows.push(["by", ...statement.by.flatMap((one, at) => [at ? " · " : "", ...signer(one)])]);
    rows.push(["received", holds.received, element("br"), element("span", "hash", entry.received)]);
    if (checkpoint.origin === form.dataset.origin) rows.push(["entry", entryLink(proof.index)]);
  }
  rows.push(["identity", element("span", "hash", identity)]);
  const terms = rows.flatMap(([name, ...said]) => [
    element("dt", "", say(`fact.${name}`)),
    element("dd", "", ...said),
  ]);
  return element("dl", "fields", ...terms);
}

/** Who signed, as the statement itself names them. */
function signer({ actor, role }) {
  if (actor !== undefined) return [foreign(actor), ` (${say(`role.${role}`)})`];
  return [say(role === "recovery" ? "signer.recovery" : "signer.person")];
}

function entryLink(index) {
  const link = element("a", "", say("entry-here", { index: number(index) }));
  const address = new URL(form.dataset.entries, location.href);
  address.pathname += `/${index}`;
  link.href = address;
  return link;
}

/** What verified the signatures, where any was. */
function closing({ steps, opened }) {
  const held = (name) => steps.some((step) => step.name === name && step.state === "ok");
  return [
    opened && held("signers") && element("p", "small quiet", say("roster")),
    (held("log") || held("signers")) &&
      element("p", `small ${engine === "vendored" ? "differ" : "quiet"}`, say(`engine.${engine}`)),
  ];
}

function contentSentences(content) {
  if (!content) return [];
  const { step, text, secret } = content;
  if (step.state === "broken") {
    return [element("p", "differ", say("content-differs", { reason: say(`reason.${step.reason}`) }))];
  }
  const [before, after] = say("content-fits", { text: "\0" }).split("\0");
  const fits = text && element("p", "agree", before, foreign(text), after);
  return [fits, secret && element("p", "", say("secret-fits"))];
}

const COMPARED = { fork: "broken", same: "ok", grown: "ok", older: "ok" };

/** The step of the comparison: not ticked where nothing was compared. */
function memoryStep({ state, seen }) {
  const name = state === "first" ? "memory-first" : "memory";
  return { name, state: COMPARED[state] ?? "untried", reason: null, evidence: "", bytes: seen?.raw ?? "" };
}

function memorySentence({ state, seen, why }) {
  const code = state === "unasked" ? `memory.${why}` : `memory.${state}`;
  return say(code, { seen: seen ? number(seen.checkpoint.size) : "" });
}

const MARKS = { ok: "✓", broken: "✗", untried: "–" };

function stepLine(step, found) {
  const mark = element("span", "tick", MARKS[step.state]);
  mark.setAttribute("aria-hidden", "true");
  const why = step.reason ? `: ${say(`reason.${step.reason}`)}` : "";
  const state = step.name === "memory-first" ? "nothing-yet" : step.state;
  const sentence = [mark, stepName(step, found), " ", element("b", "", say(state)), why];
  const looked = [step.evidence, step.bytes].filter(Boolean).join("\n\n");
  if (!looked) return element("li", step.state, element("p", "", ...sentence));
  const bytes = element("pre", "", foreign(looked));
  bytes.tabIndex = 0;
  bytes.setAttribute("aria-label", stepName(step, found));
  return element("li", step.state, element("details", "", element("summary", "", ...sentence), bytes));
}

function stepName({ name, state }, { witnesses }) {
  if (name !== "witnesses") return say(name === "memory-first" ? "memory" : name);
  const seen = witnesses?.cosignatures ?? [];
  if (!seen.length) return say(state === "ok" ? "witnesses-none" : "witnesses-untried");
  const names = seen.map((one) => `${one.witness.verifier.name} (${time(Number(one.time) * 1000)})`);
  return say("witnesses", { names: names.join(", ") });
}

async function showSeen() {
  const lines = memory.allSeen().map((raw) => {
    try {
      const { origin, size, root } = parseCheckpoint(utf8(raw));
      return element("li", "hash", say("seen", { origin, size: number(size), root: toHex(root) }));
    } catch {
      return undefined;
    }
  });
  const shown = lines.filter(Boolean);
  at("seen-list").replaceChildren(...(shown.length ? shown : [element("li", "", say("seen-none"))]));
  at("seen-forget").hidden = !shown.length;
  at("seen").hidden = false;
}

// --- dropping files: each goes where it belongs ---

async function placeFor(file) {
  const start = new Uint8Array(await file.slice(0, 65_536).arrayBuffer());
  let text = "";
  try {
    text = strictUtf8(start);
  } catch {
    return "receipt";
  }
  if (text.startsWith("{")) return "private";
  return /^(?:log|witness|group|quorum|#)[ \t]/.test(text) ? "policy_file" : "receipt";
}

async function take(files) {
  for (const file of files) {
    const carried = new DataTransfer();
    carried.items.add(file);
    const place = await placeFor(file);
    at(place).files = carried.files;
    if (place === "policy_file") at("trust-own").checked = true;
  }
  form.requestSubmit();
}

// --- beginning ---

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void verify();
});
form.addEventListener("input", clear); // what was said is of another file or policy
// Anywhere on the page: a browser would leave it and open the file.
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  at("drop").classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) at("drop").classList.remove("over");
});
document.addEventListener("drop", (event) => {
  at("drop").classList.remove("over");
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  void take(event.dataTransfer.files);
});
at("policy-forget").addEventListener("click", () => {
  memory.forgetPolicy();
  void showKept();
});
at("alarm-forget").addEventListener("click", () => {
  memory.forgetForks();
  void showForks();
});
at("seen-forget").addEventListener("click", () => {
  memory.forgetSeen();
  void showSeen();
});

at("no-script").hidden = true; // this browser does verify
form.querySelector(".private").hidden = false;
await Promise.all([showSeen(), showForks()]);
const ownIsKept = await showKept();
if (at("pasted").value !== "") {
  if (!ownIsKept) at("trust-site").checked = true;
  await verify();
}
await published; // then the page needs the network no more
form.dataset.ready = engine;
