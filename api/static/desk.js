// The desks of those in office: what is read from their pages, and what is said of it.
//
// The page is the same for everybody. Whoever opens a key file in it (keyfile.js) can sign what the key's body may state,
// in steps that are always these:
//
//   a button of the queue        takes a form out of its <template>, with what the page knows of the case
//   the form -> a draft          desk-forms.js
//   the review                   every field of the draft in words, from the draft itself and not from the form; and
//                                what the rulebook says to it, before anything is signed (api/rehearsal.py)
//   the signature                drafts.js; with a second signer missing, a file to hand over
//   sent, and the receipt        sign.js
//
// The key stays in this module until the page is left or "close the key" is pressed, and is stored nowhere; so the lists
// are brought anew without leaving the page. Every sentence comes from the page, in the reader's language.

import { Fault, sha256, toHex, utf8 } from "./bytes.js";
import { Wrong, draftOf, localOf, utcOf } from "./desk-forms.js";
import * as kept from "./desk-kept.js";
import { addLine, fileOf, readPart, signDraft, unsignedText } from "./drafts.js";
import { openKeyFile, parseKeyFile } from "./keyfile.js";
import { at, foreign, hasWords, number, say, saves } from "./saying.js";
import { NotRegistered, randomHex, rehearse, saidNow, signatureLine, submit } from "./sign.js";
import { canonical } from "./statement.js";

const desk = at("desk");
const roster = JSON.parse(desk.dataset.roster);
const codes = JSON.parse(desk.dataset.codes);
const { ledger, origin, pages, offset } = desk.dataset;
const offsetMinutes = Number(desk.dataset.offsetMinutes);
const language = document.documentElement.lang;

/** The sentence of a code, or, where a page has none, the code itself: a statement of any kind may wait for a second line. */
const named = (code, otherwise) => (hasWords(code) ? say(code) : otherwise);
const calendar = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" });
const dayOf = (day) => calendar.format(Date.parse(`${day}T00:00:00Z`));

/** A time in words on the ledger's clock, and the instant in UTC that is signed. */
function moment(when) {
  const local = localOf(when, offsetMinutes);
  return say("moment", { day: dayOf(local.slice(0, 10)), time: local.slice(11), offset, utc: when });
}

// --- making elements ---

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") made.addEventListener("click", value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

const button = (text, onclick, plain = false) => element("button", { type: "button", class: plain ? "plain" : undefined, onclick }, text);

const saveButton = (text, name, type, body) => saves(element("a", { class: "button" }, text), name, body, type);

/** Show elements in a place, and take the reader there. */
function show(place, ...children) {
  place.replaceChildren(...children.filter((child) => child !== undefined));
  place.hidden = false;
  place.focus();
}

function fail(place, ...sentences) {
  place.replaceChildren(...sentences.filter(Boolean).map((one) => (typeof one === "string" ? element("p", {}, one) : one)));
  place.hidden = false;
}

// --- the key ---

let signer; // {key, sign, actor, name, organisation, roles}, once a key file is open
let opening; // AbortController, while a passphrase is tried

async function openKey(event) {
  event.preventDefault();
  const fault = at("key-fault");
  fault.hidden = true;
  at("key-said").textContent = "";
  opening = new AbortController();
  at("key-open").disabled = true;
  try {
    const [chosen] = at("key-file").files;
    if (!chosen) throw new Fault("key-missing");
    const file = parseKeyFile(new Uint8Array(await chosen.arrayBuffer()));
    const body = bodyOf(file.key);
    signer = { ...(await openKeyFile(file, at("key-phrase").value, progressed, opening.signal)), ...body };
    at("key-phrase").value = "";
    at("key-file").value = "";
    keyOpened();
  } catch (trouble) {
    if (opening.signal.aborted) return;
    if (!(trouble instanceof Fault)) throw trouble;
    fail(fault, say(trouble.reason, { evidence: trouble.evidence }));
    if (trouble.reason.startsWith("passphrase")) at("key-phrase").focus();
  } finally {
    at("key-open").disabled = false;
    at("key-progress").hidden = true;
  }
}

/** Whose key it is, by the ledger's roster. Throws Fault (key-unknown, key-ended). */
function bodyOf(key) {
  const body = roster.find((one) => one.key === key);
  if (!body) throw new Fault("key-unknown", key);
  if (body.ended) throw new Fault("key-ended", body.name);
  return body;
}

function progressed(done, of) {
  const bar = at("key-progress");
  bar.hidden = false;
  bar.firstElementChild.max = of;
  bar.firstElementChild.value = done;
}

function keyOpened() {
  const roles = signer.roles.map((role) => codes.role[role]).join(", ");
  at("key-said").textContent = say(signer.roles.length ? "key-of" : "key-without-role", { name: signer.name, roles });
  if (signer.engine === "vendored") at("key-said").append(" ", say("engine.vendored"));
  at("key-form").hidden = true;
  at("key-close").hidden = false;
  at("key-close").focus();
  at("part-role").replaceChildren(...[...signer.roles, "holder"].map((role) => element("option", { value: role }, codes.role[role])));
  markQueue();
  if (act?.form?.isConnected) offerSeconds(act.form, act.trigger);
  // Where a page is of one organisation's work, it is that of whoever sits there.
  const own = document.querySelector(`#queue [name=organizacion] option[value="${signer.organisation}"]:not(:checked)`);
  if (own && !act && !new URLSearchParams(location.search).has("organizacion")) {
    own.parentElement.value = own.value;
    own.closest("form").requestSubmit();
  }
}

function closeKey() {
  opening?.abort(new Error("closed"));
  signer = undefined;
  at("key-said").textContent = say("key-closed");
  at("key-form").hidden = false;
  at("key-close").hidden = true;
  for (const sealed of document.querySelectorAll(".sealed")) sealed.remove();
  markQueue();
  at("key-file").focus();
}

const mayAs = (role) => Boolean(signer) && (role === "holder" || signer.roles.includes(role));

/** The roles in which a form can be signed; the one in which this key signs it. */
const rolesOf = (form) => form.dataset.role.split(" ");
const roleOf = (form) => rolesOf(form).find(mayAs) ?? (signer ? undefined : rolesOf(form)[0]);
const rolesNamed = (form) => rolesOf(form).map((role) => codes.role[role]).join(" / ");

/** What this key's organisation may not touch says so in its place, and has no buttons. */
function markQueue() {
  for (const item of document.querySelectorAll("[data-barred]")) {
    const why = signer && JSON.parse(item.dataset.barred)[signer.organisation];
    const own = signer && JSON.parse(item.dataset.against ?? "[]").includes(signer.organisation);
    const note = item.querySelector(".barred");
    note.hidden = !why && !own;
    const code = item.dataset.barredSays ?? "barred";
    note.textContent = why ? say(code, { name: signer.organisation_name, why }) : own ? say("own-act") : "";
    for (const act of item.querySelectorAll("[data-form], [data-read]")) {
      act.disabled = (Boolean(why) && act.dataset.free === undefined) || (own && act.dataset.form === "decide");
    }
  }
  // A body takes back what is its own.
  for (const act of document.querySelectorAll("[data-own]")) act.hidden = signer?.actor !== act.dataset.own;
}

// --- from a button to a form ---

let act; // what is being done: {form, draft, secret, fills, part, kept}

function begin(trigger) {
  const { form: name, fixed = "{}", fills = "{}" } = trigger.dataset;
  const fragment = at(`form-${name}`).content.cloneNode(true);
  const form = fragment.querySelector("form");
  if (signer && !roleOf(form)) return fail(at("queue-fault"), say("role-missing", { role: rolesNamed(form) }));
  const known = JSON.parse(fixed);
  for (const place of form.querySelectorAll("[data-insert]")) {
    place.replaceChildren(at(`${place.dataset.insert}-${trigger.dataset.with}`).content.cloneNode(true));
  }
  if (trigger.dataset.ticked !== undefined) {
    known.answers = [...document.querySelectorAll("#queue [name=ticked]:checked")].map((one) => one.value);
    if (!known.answers.length) return fail(at("queue-fault"), say("none-ticked"));
  }
  at("queue-fault").hidden = true;
  form.dataset.fixed = JSON.stringify({ ...JSON.parse(form.dataset.fixed ?? "{}"), ...known });
  act = { form, fills: JSON.parse(fills), trigger };
  prepare(form, act);
  show(at("work"), fragment);
  if (form.dataset.kept !== undefined) keepDraft(form);
  return undefined;
}

/** What a form needs of the case: numbers and texts that the page knows, and who could sign beside. */
function prepare(form, { fills, trigger }) {
  fillWith(form, fills);
  if (form.elements["aside-second"]) offerSeconds(form, trigger);
  for (const drop of form.querySelectorAll("[data-match]")) drop.addEventListener("change", () => tickMatching(drop));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    review(form);
  });
  form.querySelector("[data-leave]").addEventListener("click", leave);
  for (const zone of form.querySelectorAll("input[data-as=local]")) zone.addEventListener("input", () => sayInstant(zone));
  for (const zone of form.querySelectorAll("input[data-as=local]")) sayInstant(zone);
  if (form.querySelector("[data-blank]")) prepareRedaction(form, trigger);
}

/** The roles that sign a form together, in their order: `coordinator+assessor`. Nobody, where this key signs alone. */
function togetherOf(form) {
  const pair = form.dataset.together?.split("+") ?? [];
  return !signer || pair.includes(roleOf(form)) ? pair : [];
}

/** Who could sign beside the key that is open, of another organisation and not barred. */
function offerSeconds(form, trigger) {
  const second = form.elements["aside-second"];
  if (!second) return;
  const pair = togetherOf(form);
  const missing = [...pair];
  if (signer) missing.splice(pair.indexOf(roleOf(form)), 1);
  const barred = JSON.parse(trigger.closest("[data-barred]")?.dataset.barred ?? "{}");
  const others = roster.filter(
    (one) => missing.some((role) => one.roles.includes(role)) && !one.ended && !(one.organisation in barred) && one.organisation !== signer?.organisation,
  );
  second.replaceChildren(...others.map((one) => element("option", { value: one.key }, one.name)));
  for (const part of [second, form.querySelector(`label[for="${second.id}"]`)]) part.hidden = !pair.length;
  if (pair.length && !others.length) fail(form.querySelector(".form-fault"), say("no-second"));
}

/** A file that was dropped: its digest is computed here, and what was captured with that digest is ticked. */
async function tickMatching(drop) {
  const told = drop.form.querySelector(`#${drop.getAttribute("aria-describedby")}`);
  const [file] = drop.files;
  if (!file) return;
  const digest = toHex(await sha256(new Uint8Array(await file.arrayBuffer())));
  const found = [...drop.form.querySelectorAll("[name=digests]")].find((one) => one.value === digest);
  if (found) found.checked = true;
  told.textContent = say(found ? "digest-found" : "digest-unknown", { digest });
  drop.form.dispatchEvent(new Event("input"));
}

/** What was begun earlier is filled in again; what is written from now on is kept, until it is signed or deleted. */
function keepDraft(form) {
  act.kept = kept.nameOf(ledger, form);
  const said = form.querySelector(".kept-said");
  const drop = form.querySelector("[data-forget]");
  const before = kept.found(act.kept);
  if (before) {
    kept.fillIn(form, before.values);
    said.textContent = say("draft-found", { when: moment(saidNow(before.saved)) });
  }
  drop.hidden = !before;
  form.addEventListener("input", () => {
    const values = kept.valuesOf(form);
    const could = kept.keep(act.kept, values);
    said.textContent = values ? say(could ? "draft-kept" : "draft-not-kept") : "";
    drop.hidden = !values || !could;
  });
  drop.addEventListener("click", () => {
    kept.keep(act.kept, undefined);
    form.reset();
    fillWith(form, act.fills);
    drop.hidden = true;
    said.textContent = say("draft-gone");
    form.querySelector("h2").focus();
  });
}

function fillWith(form, fills) {
  for (const one of form.querySelectorAll("[data-fill]")) {
    const value = fills[one.dataset.fill] ?? "";
    if ("value" in one) one.value = one.dataset.as === "local" ? localOf(value, offsetMinutes) : value;
    else one.textContent = value;
  }
}

function sayInstant(zone) {
  const told = at(zone.getAttribute("aria-describedby")) ?? zone.form.querySelector(`#${zone.getAttribute("aria-describedby")}`);
  told.textContent = zone.value ? moment(utcOf(zone.value, offsetMinutes)) : "";
}

function leave() {
  at("work").hidden = true;
  at("work").replaceChildren();
  const { trigger } = act ?? {};
  act = undefined;
  if (trigger?.isConnected) trigger.focus();
  else at("queue").focus();
}

// --- redaction: passages are marked, and blanked out ---

async function prepareRedaction(form, trigger) {
  const field = form.elements.salted_digest;
  const fault = form.querySelector(".form-fault");
  const history = [];
  form.querySelector("[data-blank]").addEventListener("click", () => {
    const { selectionStart: start, selectionEnd: end, value } = field;
    if (start === end) return fail(fault, say("nothing-marked"));
    fault.hidden = true;
    history.push(value);
    field.value = `${value.slice(0, start)}[…]${value.slice(end)}`;
    field.focus();
    field.setSelectionRange(start + 3, start + 3);
    return undefined;
  });
  form.querySelector("[data-undo]").addEventListener("click", () => {
    field.value = history.pop() ?? field.value;
    field.focus();
  });
  try {
    const content = await textOf(trigger);
    field.value = content.text;
    for (const name of ["name", "place"]) {
      const beside = form.elements[`aside-${name}`];
      beside.closest("p").hidden = content[name] === undefined;
      beside.value = content[name] ?? "";
      beside.closest("p").querySelector("bdi").textContent = content[name] ?? "";
      beside.checked = content[name] !== undefined;
    }
    act.whole = content;
  } catch (trouble) {
    fail(fault, ...told(trouble));
  }
}

/** The text of a case: what the ledger shows, or, of a withheld one, what the moderator's key is let see. */
async function textOf({ dataset }) {
  if (dataset.sealed !== undefined) return sealedText(JSON.parse(dataset.fixed).target);
  const answer = await fetch(dataset.text, { cache: "no-store" });
  const found = answer.ok && (await answer.json()).data[0]?.content;
  if (!found) throw new NotRegistered({ status: answer.status, code: "text-gone" });
  return found;
}

/** A withheld text: asked for with a signed note, which is good once and for minutes, and kept nowhere. */
async function sealedText(target) {
  if (!mayAs("moderator")) throw new Wrong("key-first");
  const by = [{ actor: signer.actor, key: signer.key, role: "moderator" }];
  const text = `${origin}\n${canonical({ by, kind: "TextAsked", nonce: randomHex(32), said_at: saidNow(), target })}\n`;
  const body = `${text}\n${await signatureLine(signer, origin, text)}`;
  const headers = { "content-type": "application/vnd.constancia.statement", "accept-language": language };
  let answer;
  try {
    answer = await fetch(`${ledger}/mesa/textos`, { method: "POST", headers, body, credentials: "omit", cache: "no-store" });
  } catch {
    throw new NotRegistered({ code: "offline" });
  }
  const said = await answer.json();
  if (!answer.ok) throw new NotRegistered({ ...said, status: answer.status });
  return said.content;
}

async function readSealed(trigger) {
  const place = trigger.closest("[data-barred]");
  place.querySelector(".sealed")?.remove();
  const made = element("div", { class: "sealed", role: "status" });
  try {
    const content = await sealedText(JSON.parse(trigger.dataset.fixed).target);
    made.append(element("p", { class: "small quiet" }, say("sealed")), element("blockquote", { class: "said" }, foreign(content.text)));
    if (content.name) made.append(element("p", { class: "small" }, "— ", foreign(content.name), content.place ? ", " : "", foreign(content.place ?? "")));
  } catch (trouble) {
    made.append(...told(trouble).map((one) => element("p", {}, one)));
  }
  trigger.closest("p").after(made);
}

// --- the review ---

async function review(form) {
  const fault = form.querySelector(".form-fault");
  fault.hidden = true;
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  try {
    Object.assign(act, await draftOf(form, { ledger, offsetMinutes, now: Date.now(), levels: codes.level }));
    if (act.whole && act.draft.salted_digest.$content.text === act.whole.text) throw new Wrong("nothing-blanked", form.elements.salted_digest);
    const second = form.elements["aside-second"];
    act.second = second && !second.hidden ? second.value : undefined;
    act.part = undefined;
  } catch (trouble) {
    if (!(trouble instanceof Wrong)) throw trouble;
    return failField(form, fault, trouble);
  }
  form.hidden = true;
  showReview(say(`says.${form.dataset.name}`, act.fills), act.draft, () => {
    at("work").querySelector(".review").remove();
    form.hidden = false;
    form.querySelector("h2").focus();
  });
  return undefined;
}

function failField(form, fault, { code, field, fills }) {
  const label = form.querySelector(`label[for="${field.id}"]`)?.textContent ?? "";
  field.setAttribute("aria-invalid", "true");
  const link = element("a", { href: `#${field.id}`, onclick: (event) => (event.preventDefault(), field.focus()) }, `${label}: ${say(code, fills)}`);
  fail(fault, element("p", {}, link));
  field.focus();
}

/** What will be signed, in words; `back` goes to the form again. */
function showReview(sentence, statement, back) {
  const fault = element("div", { class: "alarm form-fault", role: "alert", hidden: true });
  const go = button(say("sign-and-send"), () => signAndSend(fault, go));
  const trial = element("p", { class: "small trial", role: "status" });
  const shown = element(
    "section",
    { class: "review", "aria-labelledby": "review-heading" },
    element("h2", { id: "review-heading", tabindex: "-1" }, say("review")),
    sentence ? element("p", { class: "lead" }, sentence) : undefined,
    element("dl", { class: "fields" }, ...linesOf(statement)),
    element("details", {}, element("summary", {}, say("exact")), element("pre", { tabindex: "0" }, JSON.stringify(statement, undefined, 1))),
    element("p", { class: "differ" }, say("cannot-be-undone")),
    trial,
    fault,
    element("p", { class: "acts" }, go, button(say("back"), back, true)),
  );
  at("work").append(shown);
  at("work").hidden = false;
  shown.querySelector("h2").focus();
  tryOut(trial, fault);
}

/** What the rulebook says to the statement at hand, before anybody signs it. Whoever reads the review is told. */
async function tryOut(trial, fault) {
  const named = act.part || signersOf().length;
  trial.textContent = say(named ? "trying" : "tried-with-key");
  if (!named) return;
  try {
    await rehearsal();
    trial.textContent = say("admissible");
  } catch (trouble) {
    trial.textContent = "";
    fail(fault, ...told(trouble));
  }
}

async function rehearsal() {
  const how = { by: signersOf(), lang: language, saidAt: saidNow() };
  await rehearse(ledger, act.part ? act.part.text : await unsignedText(act.draft, origin, how));
}

const NOT_SHOWN = new Set(["by", "said_at", "lang"]);

function linesOf(statement) {
  const pairs = Object.entries(statement).filter(([name]) => !NOT_SHOWN.has(name));
  const signers = (statement.by ?? signersOf()).map(({ key, role }) => {
    const body = roster.find((one) => one.key === key);
    return say("signs-as", { name: body?.name ?? key.slice(0, 16), role: codes.role[role] ?? role });
  });
  return [...pairs.flatMap(([name, value]) => lineOf(name, value)), ...(signers.length ? lineOf("by", signers) : [])];
}

const lineOf = (name, value) => [element("dt", {}, named(`field.${name}`, name)), element("dd", {}, valueOf(name, value))];

const WHENS = new Set(["opens", "closes", "late_until", "appeal_until", "heard_at", "from", "until"]);
const REFERENCES = new Set(["comments", "answers", "led_to", "appeal", "reply_to", "statement", "link", "dispute", "evidence"]);
const SUBJECTS = new Set(["commitment", "mechanism", "commitments", "for", "subject"]);
const BODIES = new Set(["institution", "to", "parties", "speaker", "invited", "present"]);

/** What identifiers stand for: `plan` and `actor` on every desk, `subject` and `statement` of what its list shows. */
const names = () => ({ ...JSON.parse(desk.dataset.names), ...JSON.parse(at("queue").dataset.names ?? "{}") });

/** Words for a person, and beside them, small, what is signed. */
const beside = (identifier, ...words) => element("span", {}, ...words, " ", element("span", { class: "small quiet hash" }, identifier));

/** A commitment by its code and title, a mechanism by its number and text below its commitment. */
function subject(identifier) {
  const known = names().subject ?? {};
  const [commitment, mechanism] = identifier.split(".");
  const code = commitment.replace(/^[^/]*\//, "");
  const entitled = (lead, title) => [element("b", {}, lead), ...(title ? [" · ", foreign(title)] : [])];
  const words = [element("span", {}, ...entitled(code, known[commitment]))];
  if (mechanism) words.push(element("br", {}), element("span", {}, ...entitled(`${code}.${mechanism}`, known[identifier])));
  return beside(identifier, ...words);
}

function nameOf(list, identifier) {
  const name = names()[list]?.[identifier];
  return name ? beside(identifier, foreign(name)) : foreign(identifier);
}

/** A value of the draft as a person reads it. */
function valueOf(name, value) {
  if (Array.isArray(value)) {
    if (!value.length) return say("none");
    return element("ul", { class: "plain" }, ...value.map((one) => element("li", {}, valueOf(name, one))));
  }
  if (name === "kind") return codes.kind[value] ?? value;
  if (name === "target") return reference(value.statement);
  if (name === "digests") return capture(value);
  if (name === "plan") return nameOf("plan", value);
  if (BODIES.has(name)) return nameOf("actor", value);
  if (SUBJECTS.has(name)) return subject(value);
  if (name === "uses") return element("span", {}, subject(value.commitment), ": ", foreign(value.takes));
  if (name === "entries") return weekly(value);
  if (name === "claims") return claimed(value);
  if (name === "parts") return element("span", {}, foreign(value.title), ` (${value.part})`);
  if (name === "changes") return element("span", {}, foreign(value.text), valueOf("comments", value.comments));
  if (REFERENCES.has(name)) return reference(value);
  if (WHENS.has(name)) return moment(value);
  if (codes[name]) return codes[name][value] ?? String(value);
  if (typeof value === "number") return number(value);
  if (typeof value === "object") return objectOf(value);
  return foreign(String(value));
}

function objectOf(value) {
  if (value.precision) return value.day ? dayOf(value.day) : say("no-day");
  const content = value.$content ?? value.salted_digest?.$content;
  if (!content) return foreign(value.text ?? value.salted_digest ?? "");
  const beside = [content.name, content.place].filter(Boolean).join(", ");
  const parts = [element("blockquote", { class: "said" }, foreign(content.text))];
  if (beside) parts.push(element("p", {}, "— ", foreign(beside)));
  return element("div", {}, ...parts, element("p", { class: "small quiet" }, say("goes-to-the-vault")));
}

/** What an institution did in a week for a commitment or a mechanism. */
function weekly({ commitment, mechanism, progress, action }) {
  return element("span", {}, subject(mechanism ?? commitment), ": ", foreign(progress), " · ", foreign(action));
}

/** A figure that a report claims, beside that of the record as the page shows it. */
function claimed({ measure, scope, value, out_of: total }) {
  const tally = JSON.parse(at("queue").dataset.tally ?? "{}");
  const found = tally[scope.level] ?? 0;
  const fills = { level: codes.level[scope.level] ?? measure, value: number(value), total: number(total ?? 0), found: number(found) };
  return say(value === found && total === tally.total ? "claim-fits" : "claim-differs", { ...fills, all: number(tally.total ?? 0) });
}

/** Bytes that were captured, by the name that the page has for them. */
function capture(digest) {
  const known = at("work").querySelector(`[name=digests][value="${digest}"]`);
  const label = known && known.form.querySelector(`label[for="${known.id}"]`);
  const title = label?.querySelector("b")?.textContent;
  return element("span", {}, title ? foreign(title) : "", " ", element("span", { class: "small quiet hash" }, digest));
}

function reference(identity) {
  const item = document.querySelector(`[data-identity="${identity}"]`);
  const named = item?.dataset.number;
  const unnamed = named ? say("comment-no", { number: number(named) }) : say("statement-no", { code: identity.slice(0, 12) });
  const text = names().statement?.[identity] ?? item?.dataset.named ?? unnamed;
  return element("a", { href: `${pages}/constancias/${identity}`, target: "_blank", rel: "noopener" }, text);
}

// --- signing and sending ---

/** Who signs the draft at hand, in the order that its kind asks for; nobody yet where no key is open. */
function signersOf() {
  if (!signer || !act?.draft) return [];
  if (!act.form) return act.by ?? [{ actor: signer.actor, key: signer.key, role: at("part-role").value }];
  const role = roleOf(act.form) ?? rolesOf(act.form)[0];
  const by = [{ actor: signer.actor, key: signer.key, role }];
  const second = act.second && roster.find((one) => one.key === act.second);
  if (!second) return by;
  const pair = togetherOf(act.form);
  const first = pair.indexOf(role) <= 0;
  const other = { actor: second.actor, key: second.key, role: pair[first ? 1 : 0] ?? role };
  return first ? [...by, other] : [other, ...by];
}

async function signAndSend(fault, go) {
  fault.hidden = true;
  try {
    if (!signer) throw new Wrong("key-first");
    const role = act.form ? roleOf(act.form) : (act.part?.statement.by ?? signersOf()).find(({ key }) => key === signer.key)?.role;
    if (!role && !act.form && !act.part) throw new Fault("not-named", signer.key);
    if (act.form && !role) throw new Wrong("role-missing", undefined, { role: rolesNamed(act.form) });
    if (role && !mayAs(role)) throw new Wrong("role-missing", undefined, { role: codes.role[role] });
    if (act.form && togetherOf(act.form).length && !act.second) throw new Wrong("no-second");
    const second = act.second && roster.find((one) => one.key === act.second);
    if (second && second.organisation === signer.organisation) throw new Wrong("same-organisation");
    go.disabled = true;
    if (!act.part) await rehearsal();
    // Signed once: what nobody answered for is sent again as it is, and registered once.
    act.part = act.part ? await completed(act.part) : await signDraft(act.draft, origin, { by: signersOf(), lang: language, saidAt: saidNow() }, [signer]);
    if (act.part.missing.length) return handOver(act.part);
    const answer = await submit(ledger, act.part.note, act.part.contents, { onProgress: ({ phase }) => (go.textContent = say(`phase.${phase}`)) });
    await registered(answer);
  } catch (trouble) {
    if (!(trouble instanceof NotRegistered && ["offline", "busy"].includes(trouble.code)) && act.draft) act.part = undefined;
    fail(fault, ...told(trouble));
  } finally {
    go.disabled = false;
    go.textContent = say("sign-and-send");
  }
  return undefined;
}

const completed = (part) => (part.missing.includes(signer.key) ? addLine(part, signer) : part);

/** What went wrong, and what to do, in sentences. Our own bugs are thrown on. */
function told(trouble) {
  if (trouble instanceof Wrong) return [say(trouble.code, trouble.fills)];
  if (trouble instanceof Fault) return [say("fault", { reason: trouble.reason, evidence: trouble.evidence })];
  if (!(trouble instanceof NotRegistered)) throw trouble;
  const { code, title, detail, rule } = trouble;
  if (hasWords(code)) return [say(code)];
  const advice = named(`advice.${code}.${rule}`, named(`advice.${code}`, say("advice.other")));
  return [title, advice, detail ? say("detail", { detail, code, rule: rule ?? "" }) : ""].filter(Boolean);
}

function handOver(part) {
  const { name, body } = fileOf(part);
  const [next] = part.missing.map((key) => roster.find((one) => one.key === key)?.name ?? key.slice(0, 16));
  show(
    at("work"),
    element("h2", { tabindex: "-1" }, say("half-signed")),
    element("p", { class: "lead" }, say("hand-over", { name: next })),
    element("p", {}, saveButton(say("save-half"), name, "text/plain", body)),
    element("label", { for: "half-text" }, say("half-text")),
    element("textarea", { id: "half-text", rows: "6", readonly: true }, body),
    element("p", {}, button(say("done"), leave, true)),
  );
}

async function registered(answer) {
  const { secret, part } = act;
  if (act.kept) kept.keep(act.kept, undefined);
  const slip = secret ? slipOf(answer, part, secret) : undefined;
  const file = `constancia-${answer.index}.tlog-proof`;
  show(
    at("work"),
    element("h2", { tabindex: "-1" }, say("registered", { number: number(answer.index) })),
    element("p", { class: "lead" }, say(answer.provisional ? "keep-provisional" : "keep")),
    element("p", { class: "acts" }, saveButton(say("save-receipt"), file, "text/plain", answer.receipt),
      element("a", { href: `${pages}/asientos/${answer.index}`, target: "_blank", rel: "noopener" }, say("see-entry"))),
    slip,
    element("p", {}, button(say("done"), leave, true)),
  );
  at("work").dataset.index = answer.index;
  await refresh(location.href, answer.index + 1);
}

/** What the author of a transcribed comment gets on paper: the secret shows later that the comment is theirs. */
function slipOf(answer, part, secret) {
  const kept = JSON.stringify({ contents: part.contents, origin, secret, statement: part.identity });
  const groups = secret.match(/.{8}/g).join(" ");
  return element(
    "section",
    { class: "slip" },
    element("h3", {}, say("slip", { number: number(answer.index) })),
    element("p", {}, say("slip-what", { origin, when: moment(`${answer.received_at.slice(0, 19)}Z`) })),
    element("dl", { class: "fields" }, element("dt", {}, say("slip-code")), element("dd", { class: "hash" }, part.identity),
      element("dt", {}, say("slip-address")), element("dd", { class: "hash" }, `${location.origin}${pages}/comentarios/${part.identity.slice(0, 12)}`),
      element("dt", {}, say("slip-secret")), element("dd", { class: "hash secret" }, groups)),
    element("p", {}, say("slip-keep")),
    element("p", { class: "no-print acts" }, button(say("slip-print"), () => print()),
      saveButton(say("slip-save"), `${part.identity.slice(0, 12)}.private.json`, "application/json", `${kept}\n`)),
  );
}

// --- a statement that waits for this key ---

/** The draft in a file (drafts.js); undefined where it holds something else. */
function draftIn(bytes) {
  try {
    const found = JSON.parse(new TextDecoder().decode(bytes));
    return typeof found.kind === "string" ? found : undefined;
  } catch {
    return undefined;
  }
}

async function openPart(event) {
  event.preventDefault();
  const fault = at("part-fault");
  fault.hidden = true;
  try {
    const [file] = at("part-file").files;
    const bytes = file ? new Uint8Array(await file.arrayBuffer()) : utf8(at("part-text").value.replace(/\n*$/, "\n"));
    if (bytes.length < 2) throw new Wrong("part-missing");
    at("work").replaceChildren();
    const draft = draftIn(bytes);
    if (draft) {
      if (!signer) throw new Wrong("key-first");
      const { by, said_at, lang, ...fields } = draft;
      act = { draft: fields, by, trigger: at("part-open") };
      return showReview(say("draft-of", { kind: codes.kind[draft.kind] ?? draft.kind }), fields, leave);
    }
    const part = await readPart(bytes, origin);
    act = { part, trigger: at("part-open") };
    const by = part.statement.by.map(({ key }) => roster.find((one) => one.key === key)?.name ?? key.slice(0, 16)).join(", ");
    showReview(say("part-of", { by, kind: codes.kind[part.statement.kind] ?? part.statement.kind }), part.statement, leave);
  } catch (trouble) {
    fail(fault, ...told(trouble));
  }
}

// --- the lists, brought anew ---

let bringing = 0; // of several that are under way the last one asked for counts

/** Bring the list at an address into the page, as of at least `size` entries. */
async function refresh(address, size = 0) {
  bringing += 1;
  const mine = bringing;
  for (let tries = 20; tries > 0; tries -= 1) {
    const answer = await fetch(address, { cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("queue");
    if (mine !== bringing) return;
    if (!fresh) return location.assign(address);
    if (Number(fresh.dataset.size) >= size || tries === 1) {
      at("queue").replaceWith(fresh);
      return ready();
    }
    await new Promise((done) => setTimeout(done, 150));
  }
}

async function follow(address) {
  history.pushState({}, "", address);
  await refresh(address);
  at("queue").focus();
}

function ready() {
  for (const each of document.querySelectorAll("[data-form], [data-read]")) each.hidden = false;
  markQueue();
}

document.addEventListener("click", (event) => {
  const trigger = event.target.closest("[data-form]");
  if (trigger) begin(trigger);
  const reading = event.target.closest("[data-read]");
  if (reading) readSealed(reading);
  const link = event.target.closest("#queue nav a");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    follow(link.href);
  }
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("#queue form.filter")) return;
  event.preventDefault();
  const query = new URLSearchParams(new FormData(event.target));
  follow(`${event.target.getAttribute("action")}?${query}`);
});
addEventListener("popstate", () => refresh(location.href));
at("key-form").addEventListener("submit", openKey);
at("key-close").addEventListener("click", closeKey);
at("part-form").addEventListener("submit", openPart);
at("desk-closed").hidden = true;
at("desk-open").hidden = false;
ready();
desk.dataset.ready = "";
