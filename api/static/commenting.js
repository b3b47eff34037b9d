// The page on which one comments: write, review, sign. The form on it works without this; here the browser signs.
//
// What is written is kept as a draft in this browser until it is registered or deleted. What was signed and has had no
// answer is sent again when the page is opened: it is the same statement, with one place in the record.

import { fromHex, strictUtf8, utf8 } from "./bytes.js";
import * as keys from "./keys.js";
import * as mine from "./mine.js";
import { offerPending, showDone, showTrouble, tellProgress } from "./outcome.js";
import { at, element, foreign, moment, number, say } from "./saying.js";
import { mayArrive, send, signAndKeep, timeToSign } from "./sending.js";
import { newContent, randomHex } from "./sign.js";
import { claimOf } from "./statement.js";

const page = at("commenting");
const { origin, path, plan, round, version, replyTo, most } = page.dataset;
const form = at("write");
const draftName = mine.draftName(path, round, replyTo);
const scope = `${origin} ${round}`;
const FIELDS = ["text", "about", "position", "name", "place", "lang"];

// --- the draft ---

const written = () => Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value]));
const isEmpty = ({ text, name, place }) => !text && !name && !place;

function fillIn(draft) {
  for (const name of FIELDS) if (typeof draft[name] === "string") form.elements[name].value = draft[name];
  if (form.elements.about.selectedIndex < 0) form.elements.about.value = "whole"; // the plan was changed meanwhile
  count();
}

function keepDraft() {
  const now = written();
  const kept = mine.keepDraft(draftName, isEmpty(now) ? undefined : { ...now, saved: Date.now() });
  at("draft-said").textContent = isEmpty(now) ? "" : say(kept ? "draft-kept" : "draft-not-kept");
  at("draft-delete").hidden = isEmpty(now) || !kept;
}

function deleteDraft() {
  mine.keepDraft(draftName, undefined);
  for (const name of ["text", "name", "place"]) form.elements[name].value = "";
  form.elements.position.value = "";
  count();
  at("draft-delete").hidden = true;
  at("draft-take").hidden = true;
  at("draft-said").textContent = say("draft-gone");
  at("text").focus();
}

/** What the address asks for (a part, a commitment) goes before what the draft was about. */
function restoreDraft() {
  const draft = mine.draft(draftName);
  if (!draft || page.dataset.written) return;
  const asked = new URLSearchParams(location.search);
  const about = asked.has("parte") || asked.has("compromiso") ? form.elements.about.value : draft.about;
  fillIn({ ...draft, about });
  at("draft-said").textContent = say("draft-found", { when: moment(draft.saved, page.dataset) });
  at("draft-delete").hidden = false;
}

/** Another tab changed the draft: whose words stay is for their author to say. */
function draftChangedElsewhere() {
  const other = mine.draft(draftName);
  at("draft-said").textContent = say(other ? "draft-elsewhere" : "draft-gone");
  at("draft-take").hidden = !other;
}

// --- counting ---

const MAX_BYTES = 8_192;
const TOLD_BELOW = 200;
const TOLD_EVERY = 20;
let told;

/** What a text weighs against the limit: its code points, or its bytes where those reach their own limit first. */
const weight = (text) => Math.max([...text].length, utf8(text).length - MAX_BYTES + Number(most));
const over = (text) => weight(text) - Number(most);

function count() {
  const left = Number(most) - weight(form.elements.text.value);
  const sentence = left < 0 ? say("over", { count: number(-left) }) : say("left", { count: number(left) });
  at("count").hidden = false;
  at("count").textContent = sentence;
  at("count").classList.toggle("error", left < 0);
  // A screen reader hears of it towards the end, and not at every letter.
  const step = Math.floor(left / TOLD_EVERY);
  if (left < TOLD_BELOW && step !== told) at("count-said").textContent = sentence;
  told = step;
}

// --- errors ---

/** What keeps a comment from being registered: `[field, sentence]`. */
function faultsOf({ text, name, place }) {
  const found = [];
  if (!text.replace(/[ \t\n]/g, "")) found.push(["text", say("error.text")]);
  for (const [field, value] of Object.entries({ text, name, place })) {
    if (over(value) > 0) found.push([field, say(`error.${field}-long`, { most: number(most), over: number(over(value)) })]);
    else if (value.includes("\0") || strictUtf8(utf8(value)) !== value) found.push([field, say("error.character")]);
  }
  return found;
}

function showFaults(faults) {
  for (const field of ["text", "name", "place"]) {
    const [, sentence] = faults.find(([name]) => name === field) ?? [];
    at(`${field}-error`).textContent = sentence ?? "";
    at(`${field}-error`).hidden = !sentence;
    if (sentence) form.elements[field].setAttribute("aria-invalid", "true");
    else form.elements[field].removeAttribute("aria-invalid");
  }
  const list = faults.map(([field, sentence]) => {
    const link = element("a", "", sentence);
    link.href = `#${field}`;
    return element("li", "", link);
  });
  at("errors").querySelector("ul").replaceChildren(...list);
  at("errors").hidden = !faults.length;
  if (faults.length) at("errors").focus();
}

// --- the three steps ---

function show(step) {
  for (const name of ["write", "review", "done"]) at(`step-${name}`).hidden = name !== step;
  at("trouble").hidden = true;
  tellProgress("");
}

function review() {
  const now = written();
  const faults = faultsOf(now);
  showFaults(faults);
  if (faults.length) return;
  at("review-text").replaceChildren(foreign(now.text));
  at("review-about").textContent = form.elements.about.selectedOptions[0].textContent;
  at("review-position").textContent = now.position ? say(`position.${now.position}`) : say("position.none");
  for (const field of ["name", "place"]) {
    at(`review-${field}`).replaceChildren(now[field].trim() ? foreign(now[field]) : say("nothing-given"));
  }
  at("review-lang").textContent = form.elements.lang.selectedOptions[0].textContent;
  history.pushState({ step: "review" }, "");
  show("review");
  at("review-title").focus();
}

async function describeKey() {
  const known = (await keys.allKeys()).some((one) => one.scope === scope);
  const said = [say(known ? "key.known" : "key.fresh")];
  if (keys.engine === "vendored") said.push(say("key.vendored"));
  if (!keys.isKept) said.push(say("key.not-kept"));
  at("review-key").replaceChildren(...said.map((sentence) => element("p", "", sentence)));
}

const contentOf = ({ text, name, place }) => ({
  text,
  ...(name.trim() && { name }),
  ...(place.trim() && { place }),
});

/** The statement that is signed now, and what goes with it. */
async function comment(signer) {
  const now = written();
  const { digest, ...kept } = await newContent(contentOf(now), origin, signer.key);
  const secret = randomHex(32);
  const statement = {
    kind: "CommentSubmitted",
    plan,
    by: [{ key: signer.key, role: "citizen" }],
    said_at: await timeToSign(path),
    lang: now.lang,
    round,
    version: Number(version),
    about: now.about,
    ...(replyTo && { reply_to: replyTo }),
    ...(now.position && { position: now.position }),
    salted_digest: digest,
    claim: await claimOf(fromHex(secret, 32)),
  };
  return { statement, contents: [kept], secret };
}

let pending; // what was signed and has had no answer

async function sign() {
  at("sign").disabled = true;
  at("trouble").hidden = true;
  tellProgress(say("sending"));
  try {
    if (!pending) {
      const signer = await keys.keyFor(scope);
      const { statement, contents, secret } = await comment(signer);
      pending = await signAndKeep(statement, contents, signer, { path, origin, round, secret });
    }
    await deliver(pending);
  } catch (trouble) {
    if (!mayArrive(trouble)) pending = undefined;
    at("back").hidden = Boolean(pending); // changed words would be a second comment beside one that may have arrived
    showTrouble(trouble, pending);
  } finally {
    at("sign").disabled = false;
  }
}

async function deliver(record) {
  const registered = await send(record, tellProgress);
  pending = undefined;
  mine.keepDraft(draftName, undefined);
  if (form) form.reset();
  if (form) show("done");
  history.replaceState({ step: "done" }, "");
  await showDone(registered, page.dataset);
}

// --- what was left behind ---

async function sendPending() {
  const found = (await mine.signedHere(path)).filter((one) => one.round === round && one.kind === "CommentSubmitted");
  const left = found.find((one) => one.state === "pending");
  if (left) await offerPending(left, deliver);
}

/** A round that is not open has no form, but a draft may be left. */
function showAlone() {
  const draft = mine.draft(draftName);
  at("alone").hidden = !draft;
  if (!draft) return;
  at("alone-text").replaceChildren(foreign(draft.text));
  at("alone-delete").addEventListener("click", () => {
    mine.keepDraft(draftName, undefined);
    at("alone").hidden = true;
  });
}

// --- beginning ---

function begin() {
  at("no-script").hidden = true;
  if (keys.engine === "none") {
    at("insecure").hidden = false;
    return; // the form goes to the server as it is, where that is open
  }
  at("to-review").disabled = false;
  restoreDraft();
  count();
  form.addEventListener("input", () => {
    keepDraft();
    count();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void describeKey().then(review);
  });
  at("draft-delete").addEventListener("click", deleteDraft);
  at("draft-take").addEventListener("click", () => {
    fillIn(mine.draft(draftName) ?? {});
    at("draft-take").hidden = true;
    keepDraft();
  });
  addEventListener("storage", ({ key }) => {
    if (key === draftName) draftChangedElsewhere();
  });
  at("sign").addEventListener("click", () => void sign());
  at("back").addEventListener("click", () => history.back());
  addEventListener("popstate", ({ state }) => {
    if (at("step-done").hidden && !pending) show(state?.step === "review" ? "review" : "write");
  });
  history.replaceState({ step: "write" }, "");
}

if (form) begin();
else showAlone();
if (keys.engine !== "none") await sendPending();
page.dataset.ready = keys.engine;
