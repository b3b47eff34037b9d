// Anybody disputes a piece of evidence: what it is linked for, what is wrong with it, and why; reviewed, signed in the
// browser with a key made for this evidence alone, and answered with a receipt. Nothing leaves the page before that.
//
// Such a dispute changes no grade until an assessor admits it (the page says so beside the form).

import { strictUtf8, utf8 } from "./bytes.js";
import * as keys from "./keys.js";
import * as mine from "./mine.js";
import { offerPending, showDone, showTrouble, tellProgress } from "./outcome.js";
import { at, foreign, number, say } from "./saying.js";
import { mayArrive, send, signAndKeep, timeToSign } from "./sending.js";
import { newContent } from "./sign.js";

const page = at("disputing");
const { origin, path, plan, identity, most } = page.dataset;
const form = at("dispute-form");
const scope = `${origin} evidence ${identity}`;
const MAX_BYTES = 8_192;

/** What is wrong with what was written: `[field, sentence]`, or nothing. */
function faultOf() {
  const { objection, words } = form.elements;
  if (!objection.value) return [form.querySelector("[name=objection]"), say("error.objection")];
  const text = words.value;
  if (!text.replace(/[ \t\n]/g, "")) return [words, say("error.words")];
  const over = Math.max([...text].length - Number(most), utf8(text).length - MAX_BYTES);
  if (over > 0) return [words, say("error.text-long", { most: number(Number(most)), over: number(over) })];
  return text.includes("\0") || strictUtf8(utf8(text)) !== text ? [words, say("error.character")] : undefined;
}

function showFault(fault) {
  for (const [id, field] of [["objection-error", "objection"], ["dispute-error", "words"]]) {
    const wrong = fault?.[0].name === field;
    at(id).textContent = wrong ? fault[1] : "";
    at(id).hidden = !wrong;
  }
  if (fault?.[0] === form.elements.words) fault[0].setAttribute("aria-invalid", "true");
  else form.elements.words.removeAttribute("aria-invalid");
  fault?.[0].focus();
}

function show(isReview) {
  at("dispute-fields").hidden = isReview;
  at("dispute-review").hidden = !isReview;
}

function review() {
  const fault = faultOf();
  showFault(fault);
  if (fault) return;
  const chosen = form.querySelector("[name=objection]:checked");
  at("review-mechanism").textContent = form.elements.mechanism.selectedOptions[0].textContent;
  at("review-objection").textContent = form.querySelector(`label[for="${chosen.id}"]`).textContent;
  at("review-words").replaceChildren(foreign(form.elements.words.value));
  show(true);
  at("dispute-review").focus();
}

/** The statement, signed and kept. */
async function signed() {
  const { mechanism, objection, words, lang } = form.elements;
  const signer = await keys.keyFor(scope);
  const made = await newContent({ text: words.value }, origin, signer.key);
  const statement = {
    kind: "EvidenceDisputed",
    plan,
    by: [{ key: signer.key, role: "citizen" }],
    said_at: await timeToSign(path),
    lang: lang.value,
    link: identity,
    mechanism: mechanism.value,
    objection: objection.value,
    words: { salted_digest: made.digest },
  };
  return signAndKeep(statement, [made], signer, { path, origin, round: "", about: identity });
}

let pending; // what was signed and has had no answer

async function sign() {
  at("dispute-sign").disabled = true;
  at("trouble").hidden = true;
  tellProgress(say("sending"));
  try {
    pending ??= await signed();
    await deliver(pending);
  } catch (trouble) {
    pending = mayArrive(trouble) ? pending : undefined;
    showTrouble(trouble, pending);
  } finally {
    at("dispute-sign").disabled = false;
  }
}

async function deliver(record) {
  const registered = await send(record, tellProgress);
  pending = undefined;
  tellProgress("");
  form.hidden = true;
  await showDone(registered, page.dataset);
  at("done-follow").href = page.dataset.follow;
}

async function begin() {
  at("dispute-no-script").hidden = true;
  if (keys.engine === "none") {
    at("insecure").hidden = false;
    return;
  }
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    review();
  });
  at("dispute-sign").addEventListener("click", () => void sign());
  at("dispute-back").addEventListener("click", () => {
    if (pending) return; // it may have arrived: changed words would be a second dispute
    show(false);
    form.elements.words.focus();
  });
  const left = (await mine.signedHere(path)).find(
    (one) => one.about === identity && one.kind === "EvidenceDisputed" && one.state === "pending",
  );
  if (left) await offerPending(left, deliver);
}

await begin();
page.dataset.ready = keys.engine;
