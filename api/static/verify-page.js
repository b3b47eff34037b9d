// The page that verifies a receipt: what is read from the form, and what is said of it. What holds and what does not is
// decided in receipt.js and the modules below it; every sentence comes from the page, in the reader's language.
//
// Once the page is loaded nothing is asked of the network but one thing, and only where this browser has seen another
// checkpoint of this ledger: the proof that the two are of one history (memory.js).

import { Fault, strictUtf8, toHex, utf8 } from "./bytes.js";
import { engine } from "./ed25519.js";
import * as memory from "./memory.js";
import { parseCheckpoint } from "./checkpoint.js";
import { policyOf } from "./policy.js";
import { verifyReceipt } from "./receipt.js";
import { checkPrivate } from "./statement.js";

const at = (id) => document.getElementById(id);
const words = JSON.parse(at("words").textContent);
const say = (code, fills = {}) => words[code].replace(/%\((\w+)\)s/g, (_, name) => fills[name] ?? "");

const language = document.documentElement.lang;
const number = (value) => new Intl.NumberFormat(language).format(value);
const style = { dateStyle: "long", timeStyle: "medium", hourCycle: "h23", timeZone: "UTC" };
const clock = new Intl.DateTimeFormat(language, style);
/** A time in words; seconds beyond every calendar, which a witness may claim, stand as they are. */
const moment = (ms) => (ms <= 8.64e15 ? `${clock.format(ms)} UTC` : `${ms / 1000} s`);

// --- making elements ---

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** A text of others: apart from the direction of the page, and what cannot be seen stands there by its number. */
function foreign(text) {
  const unseen = /([^\P{C}\n\t]|[\u034f\u115f\u1160\u17b4\u17b5\u2028\u2029\u2800\u3164\ufe00-\ufe0f\uffa0])/u;
  const parts = text.split(unseen).map((part, odd) =>
    odd % 2 ? element("span", "flag", `U+${part.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`) : part,
  );
  return element("bdi", "", ...parts);
}

// --- the form ---

const form = at("verify");
// Asked for at once, so that the page works without a network later.
const published = fetch(form.dataset.policy)
  .then((answer) => (answer.ok ? answer.arrayBuffer() : undefined))
  .then((raw) => raw && new Uint8Array(raw), () => undefined);

async function bytesOf(input) {
  const [file] = input.files;
  return file && file.size ? new Uint8Array(await file.arrayBuffer()) : undefined;
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

async function readPolicy(raw) {
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
  const verdict = at("verdict");
  verdict.hidden = false;
  delete verdict.dataset.kind;
  verdict.replaceChildren(element("p", "", say("working")));
  let kind = "none";
  at("alarm").hidden = true;
  try {
    const raw = (await bytesOf(at("receipt"))) ?? pasted(at("pasted").value);
    if (!raw) throw new Instead(say("receipt-missing"));
    const { policy, source } = await chosenPolicy();
    const found = await verifyReceipt(raw, policy);
    const content = await privateStep(found);
    const remembered = await comparison(found);
    const several = policy.logs.filter((one) => one.name === found.checkpoint?.origin).length > 1;
    verdict.replaceChildren(...spoken({ ...found, several }, source, content, remembered));
    kind = found.kind ?? "verified";
  } catch (trouble) {
    const sentence = trouble instanceof Instead ? trouble.message : say("cannot-start", { detail: String(trouble) });
    verdict.replaceChildren(element("p", "said-verdict", sentence));
    if (!(trouble instanceof Instead)) console.error(trouble);
  }
  await Promise.all([showKept(), showSeen()]);
  verdict.dataset.kind = kind; // now everything is said
  if (at("alarm").hidden) verdict.focus();
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
  const found = await memory.compare(checkpoint, proof.checkpoint, logKeys, (from, to) =>
    checkpoint.origin === form.dataset.origin ? askServer(from, to) : undefined,
  );
  if (["fork", "broken", "refused"].includes(found.state)) sound(found, checkpoint, proof.checkpoint);
  return found;
}

/** The server's consistency proof: base64 hashes, null where it says that it has none, undefined where it is away. */
async function askServer(from, to) {
  try {
    const answer = await fetch(`${form.dataset.consistency}?from=${from}&to=${to}`, { cache: "no-store" });
    if ([400, 404, 422].includes(answer.status)) return null;
    if (!answer.ok) return undefined;
    const hashes = (await answer.json())?.data?.hashes;
    return Array.isArray(hashes) && hashes.every((hash) => typeof hash === "string") ? hashes : [""];
  } catch (error) {
    return error instanceof SyntaxError ? [""] : undefined;
  }
}

/** The alarm: what contradicts what, and both signed notes to keep. */
function sound({ state, seen }, checkpoint, raw) {
  const sizes = [seen.checkpoint.size, checkpoint.size].sort((one, other) => Number(one - other));
  at("alarm-what").textContent = say(`alarm.${state}`, { small: number(sizes[0]), size: number(sizes[1]) });
  at("alarm-notes").replaceChildren(
    note("alarm-seen", seen.checkpoint, seen.raw),
    note("alarm-receipt", checkpoint, raw),
  );
  at("alarm").hidden = false;
  at("alarm").scrollIntoView();
}

function note(code, { size, root }, raw) {
  const link = element("a", "button", say(code));
  link.href = URL.createObjectURL(new Blob([raw], { type: "text/plain" }));
  link.download = `checkpoint-${size}-${toHex(root).slice(0, 8)}.txt`;
  const shown = element("pre", "", foreign(raw));
  shown.tabIndex = 0;
  shown.setAttribute("aria-label", say(code));
  return element("li", "", element("p", "", link), shown);
}

// --- saying ---

const TONES = { verified: "good", "not-cosigned": "provisional" };

function spoken(found, source, content, remembered) {
  const code = found.kind ?? "verified";
  const { opened, entry, proof, checkpoint, witnesses, identity } = found;
  const facts = found.kind === null && {
    origin: checkpoint.origin,
    kind: say(`kind.${opened.statement.kind}`),
    received: moment(Date.parse(entry.received)),
    index: number(proof.index),
  };
  const steps = [...found.steps, ...(content ? [content.step] : []), ...(remembered ? [memoryStep(remembered)] : [])];
  const unverified = witnesses?.unverified.length;
  return [
    element("p", `said-verdict ${TONES[code] ?? "bad"}`, say(code, facts || {})),
    element("p", source === "site" ? "differ" : "", say(`by-${source}`)),
    ...contentSentences(content),
    found.several && found.kind === null && element("p", "differ", say("several-keys")),
    remembered && element("p", "", memorySentence(remembered)),
    identity && element("p", "hash", identity),
    element("ol", "steps", ...steps.map((step) => stepLine(step, found))),
    unverified ? element("p", "small", say("unverified-lines", { count: number(unverified) })) : undefined,
    element("p", "small quiet", say("roster")),
    element("p", `small ${engine === "vendored" ? "differ" : "quiet"}`, say(`engine.${engine}`)),
  ].filter(Boolean);
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

const ALARMS = ["fork", "broken", "refused"];

function memoryStep({ state, seen }) {
  const broken = ALARMS.includes(state) ? "broken" : "ok";
  const bytes = seen?.raw ?? "";
  return { name: "memory", state: state === "unasked" ? "untried" : broken, reason: null, evidence: "", bytes };
}

function memorySentence({ state, seen }) {
  if (ALARMS.includes(state)) return at("alarm-what").textContent;
  return say(`memory.${state}`, { seen: seen ? number(seen.checkpoint.size) : "" });
}

const MARKS = { ok: "✓", broken: "✗", untried: "–" };

function stepLine(step, found) {
  const mark = element("span", "tick", MARKS[step.state]);
  mark.setAttribute("aria-hidden", "true");
  const why = step.reason ? `: ${say(`reason.${step.reason}`)}` : "";
  const sentence = [mark, stepName(step, found), " ", element("b", "", say(step.state)), why];
  const looked = [step.evidence, step.bytes].filter(Boolean).join("\n\n");
  if (!looked) return element("li", step.state, element("p", "", ...sentence));
  const bytes = element("pre", "", foreign(looked));
  bytes.tabIndex = 0;
  bytes.setAttribute("aria-label", stepName(step, found));
  return element("li", step.state, element("details", "", element("summary", "", ...sentence), bytes));
}

function stepName({ name, state }, { witnesses }) {
  if (name !== "witnesses") return say(name);
  const seen = witnesses?.cosignatures ?? [];
  if (!seen.length) return say(state === "ok" ? "witnesses-none" : "witnesses-untried");
  const names = seen.map((one) => `${one.witness.verifier.name} (${moment(Number(one.time) * 1000)})`);
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
at("drop").addEventListener("dragover", (event) => {
  event.preventDefault();
  at("drop").classList.add("over");
});
at("drop").addEventListener("dragleave", () => at("drop").classList.remove("over"));
at("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  void take(event.dataTransfer.files);
});
at("policy-forget").addEventListener("click", () => {
  memory.forgetPolicy();
  void showKept();
});
at("seen-forget").addEventListener("click", () => {
  memory.forgetSeen();
  void showSeen();
});

at("no-script").hidden = true; // this browser does verify
form.querySelector(".private").hidden = false;
await showSeen();
const ownIsKept = await showKept();
if (at("pasted").value !== "") {
  if (!ownIsKept) at("trust-site").checked = true;
  await verify();
}
await published; // then the page needs the network no more
form.dataset.ready = engine;
