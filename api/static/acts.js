// What may still be done about a comment: by its author, or by anybody. Each act is reviewed, signed here, and answered
// with a receipt of its own; until it is signed nothing leaves the page.
//
// Its author is whoever holds the key that signed the comment, or its secret: the first key that signs with the secret is
// the author's from then on, so the secret is shown once, and a key is made for it alone.

import { Fault, strictUtf8, utf8 } from "./bytes.js";
import * as keys from "./keys.js";
import * as mine from "./mine.js";
import { offerPending, showDone, showTrouble, tellProgress } from "./outcome.js";
import { at, foreign, number, say } from "./saying.js";
import { mayArrive, send, signAndKeep, timeToSign } from "./sending.js";
import { newContent } from "./sign.js";
import { canonical, secretIn } from "./statement.js";

const page = at("acts");
const { origin, path, plan, round, identity, saltedDigest, author, most } = page.dataset;
const MAX_BYTES = 8_192;
const scope = `${origin} ${round}`;
const ownScope = `${scope} ${identity.slice(0, 12)}`;

// --- whose comment it is ---

let secret; // of the comment, from its private file

/** Has a key shown the secret of this comment, in a statement that is registered? Then it is the author's. */
const isAuthors = async ({ key }) =>
  (await mine.signedHere(path)).some(
    (one) => one.about === identity && one.key === key && one.state === "registered" && one.secretShown,
  );

/** Who signs as the author: `{signer, secret}`, where the secret is shown with it; undefined where nobody here can. */
async function asAuthor() {
  const own = author && (await keys.holderOf(author));
  if (own) return { signer: own };
  const known = secret ?? (await mine.find(identity))?.secret;
  const made = (await keys.allKeys()).find((one) => one.scope === ownScope);
  if (made && (await isAuthors(made))) return { signer: await keys.holderOf(made.key) };
  return known ? { signer: await keys.keyFor(ownScope), secret: known } : undefined;
}

async function isAuthor() {
  if (secret || (author && (await keys.holderOf(author)))) return true;
  if ((await mine.find(identity))?.secret) return true;
  const made = (await keys.allKeys()).find((one) => one.scope === ownScope);
  return Boolean(made && (await isAuthors(made)));
}

let asked = 0; // how often it was asked whose the comment is: what was typed last decides, not what is answered last

async function showAuthor() {
  if (!at("author-file")) return;
  const turn = ++asked;
  const known = await isAuthor();
  if (turn !== asked) return;
  at("author-known").hidden = !known;
  at("author-file").hidden = known;
  at("for-author").hidden = !known;
}

/** The secret of a slip as it was typed: in groups, in capitals, whatever. */
async function takeSecret(typed) {
  const written = typed.toLowerCase().replace(/[^0-9a-f]/g, "");
  if (written.length === 64) await takeAuthor(utf8(canonical({ contents: [], origin, secret: written, statement: identity })));
}

const takePrivateFile = async (file) => takeAuthor(new Uint8Array(await file.arrayBuffer()));

async function takeAuthor(raw) {
  at("private-error").hidden = true;
  try {
    secret = await secretIn(raw, origin, identity, page.dataset.claim);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    at("private-error").textContent = say("error.private-file");
    at("private-error").hidden = false;
  }
  await showAuthor();
}

// --- what is signed ---

const target = { statement: identity, salted_digest: saltedDigest };

/** The fields of each act beyond those that all have; `digest` is of its words. */
const ACTS = {
  endorse: () => ({ kind: "CommentEndorsed", comment: identity }),
  unendorse: (_, { endorsement }) => ({ kind: "StatementWithdrawn", statement: endorsement.identity }),
  withdraw: () => ({ kind: "StatementWithdrawn", statement: identity }),
  erase: (form) => ({ kind: "ErasureRequested", target, ground: form.elements.ground.value }),
  appeal: (_, { digest }) => ({ kind: "ModerationAppealed", target, salted_digest: digest }),
  contest: (form, { digest }) => ({
    kind: "StatementContested",
    statement: form.closest("details").dataset.answer,
    words: { salted_digest: digest },
  }),
};

const nameOf = (form) => form.dataset.act.replace(/-[0-9]+$/, "");
const byAnybody = ["endorse", "unendorse"];

/** The key that endorsed, and what it signed; undefined where this browser did not. */
async function endorsement() {
  const found = (await mine.signedHere(path)).filter((one) => one.about === identity && one.state === "registered");
  const last = found.find((one) => one.kind === "CommentEndorsed" || one.undoes);
  return last?.kind === "CommentEndorsed" ? last : undefined;
}

async function signerOf(name) {
  if (name === "endorse") return { signer: await keys.keyFor(scope) };
  if (name === "unendorse") {
    const before = await endorsement();
    return { signer: await keys.holderOf(before.key), endorsement: before };
  }
  return asAuthor();
}

let pending;

async function sign(form) {
  const name = nameOf(form);
  const button = form.querySelector(".sign-of");
  button.disabled = true;
  at("trouble").hidden = true;
  tellProgress(say("sending"));
  try {
    pending ??= await signed(form, name);
    await deliver(pending);
  } catch (trouble) {
    const kept = mayArrive(trouble) ? pending : undefined;
    pending = kept;
    showTrouble(trouble, kept);
  } finally {
    button.disabled = false;
  }
}

/** The statement of an act, signed and kept. */
async function signed(form, name) {
  const by = await signerOf(name);
  const { signer } = by;
  const text = form.elements.words?.value;
  const made = text === undefined ? undefined : await newContent({ text }, origin, signer.key);
  const statement = {
    ...ACTS[name](form, { ...by, digest: made?.digest }),
    plan,
    by: [{ key: signer.key, role: "citizen" }],
    said_at: await timeToSign(path),
    lang: form.elements.lang?.value ?? document.documentElement.lang,
    ...(by.secret && { secret: by.secret }),
  };
  const about = { path, origin, round, about: identity, secretShown: Boolean(by.secret), undoes: name === "unendorse" };
  return signAndKeep(statement, made ? [made] : [], signer, about);
}

async function deliver(record) {
  const registered = await send(record, tellProgress);
  pending = undefined;
  tellProgress("");
  at("offered").hidden = true;
  await showDone(registered, page.dataset);
}

// --- the forms ---

/** What is wrong with a form, or nothing. */
function faultOf(form) {
  if (form.elements.ground && !form.elements.ground.value) return say("error.ground");
  const text = form.elements.words?.value;
  if (text === undefined) return "";
  if (!text.replace(/[ \t\n]/g, "")) return say("error.words");
  const over = Math.max([...text].length - Number(most), utf8(text).length - MAX_BYTES);
  if (over > 0) return say("error.text-long", { most: number(Number(most)), over: number(over) });
  return text.includes("\0") || strictUtf8(utf8(text)) !== text ? say("error.character") : "";
}

function review(form) {
  const fault = faultOf(form);
  const error = form.querySelector(".error");
  if (error) {
    error.textContent = fault;
    error.hidden = !fault;
  }
  const field = form.elements.words ?? form.querySelector("[name=ground]");
  if (fault) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
    return;
  }
  field.removeAttribute("aria-invalid");
  const chosen = form.querySelector("[name=ground]:checked");
  const said = chosen ? form.querySelector(`label[for="${chosen.id}"]`).textContent : foreign(form.elements.words.value);
  form.querySelector(".said-here").replaceChildren(said);
  show(form, true);
  form.querySelector(".review-of").focus();
}

function show(form, isReview) {
  form.querySelector(".fields-of").hidden = isReview;
  form.querySelector(".review-of").hidden = !isReview;
}

function attend(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    review(form);
  });
  form.querySelector(".sign-of").addEventListener("click", () => void sign(form));
  form.querySelector(".back-of")?.addEventListener("click", () => {
    if (pending) return; // it may have arrived: changed words would be a second statement
    show(form, false);
    (form.elements.words ?? form.querySelector("[name=ground]")).focus();
  });
}

// --- beginning ---

async function begin() {
  at("no-script").hidden = true;
  if (keys.engine === "none") {
    at("insecure").hidden = false;
    return;
  }
  document.querySelectorAll(".act-form").forEach(attend);
  at("private")?.addEventListener("change", ({ target: { files } }) => {
    if (files.length) void takePrivateFile(files[0]);
  });
  at("secret")?.addEventListener("input", ({ target }) => void takeSecret(target.value));
  if (at("act-endorse")) {
    const own = await isAuthor();
    const before = await endorsement();
    at("act-endorse").hidden = own || Boolean(before);
    at("act-unendorse").hidden = own || !before;
  }
  await showAuthor();
  at("offered").hidden = false;
  const left = (await mine.signedHere(path)).find((one) => one.about === identity && one.state === "pending");
  if (left) await offerPending(left, deliver);
}

await begin();
page.dataset.ready = keys.engine;
