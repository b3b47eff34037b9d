// What a citizen is told of something that was sent: how it goes on, why it is not registered, or the receipt to keep.

import * as mine from "./mine.js";
import { at, element, foreign, hasWords, moment, number, saves, say } from "./saying.js";
import { Unproven, mayArrive } from "./sending.js";
import { NotRegistered } from "./sign.js";

/** How far it is: a sentence, or what `submit` and `send` report. */
export function tellProgress(progress) {
  const sentence = typeof progress === "string" ? progress : say(progress.phase, progress);
  if (at("progress").textContent !== sentence) at("progress").textContent = sentence; // or it would be read out again
}

// --- trouble ---

const SENTENCES = {
  future: "clock",
  stale: "clock",
  "role-scope": "author",
  state: "state",
  "conflict-of-interest": "state",
};

/** The sentence for whatever was thrown. */
function sentenceOf(trouble) {
  if (trouble instanceof Unproven) {
    const code = `reason.${trouble.reason}`;
    return say("not.false", { reason: hasWords(code) ? say(code) : trouble.reason });
  }
  if (!(trouble instanceof NotRegistered)) return say("not.signed", { detail: String(trouble) });
  const { code, status, title, rule } = trouble;
  if (hasWords(`not.${code}`)) return say(`not.${code}`);
  if (status >= 500) return say("not.busy");
  if (SENTENCES[code]) return say(`not.${SENTENCES[code]}`);
  return say("not.other", { title: [title || status, rule && `(${rule})`].filter(Boolean).join(" ") });
}

/** Say why it is not registered, with the files that prove it; `pending` is what is kept to be sent again. */
export function showTrouble(trouble, pending, place) {
  tellProgress("");
  if (!(trouble instanceof NotRegistered || trouble instanceof Unproven)) console.error(trouble);
  const files = [];
  if (trouble.refusal) files.push(["refusal", "rechazo.txt", trouble.refusal]);
  if (trouble instanceof Unproven) files.push(["answer", "respuesta.json", `${JSON.stringify(trouble.answer)}\n`]);
  if (trouble instanceof Unproven && pending) files.push(["note", "declaracion.txt", pending.note]);
  const box = place ? undefined : at("trouble");
  const links = files.map(([code, name, text]) => element("p", "", saves(element("a", "button", say(`file.${code}`)), name, text)));
  (place ?? at("trouble-said")).replaceChildren(element("span", "", sentenceOf(trouble)));
  if (!box) {
    place.append(...links);
    return;
  }
  at("trouble-files").replaceChildren(...links.map((link) => element("li", "", link)));
  box.hidden = false;
  box.focus();
}

// --- what was left behind ---

/** A button that asks once more before it does what cannot be undone; `told` is where it asks. */
export function surely(button, code, told, does) {
  let isSure = false;
  button.addEventListener("click", () => {
    if (isSure) void does();
    else told.textContent = say(code);
    isSure = true;
  });
}

/** What a statement is, for whoever signed it: its words, or what it does. */
export const saidOf = ({ kind, contents }) =>
  contents.length ? foreign(contents[0].content.text) : say(`said.${kind}`);

/** Send what was signed and has had no answer, and offer to send it again or to discard it (`pending.html`). `deliver`
 * sends a record and shows what came. */
export async function offerPending(record, deliver) {
  at("pending-text").replaceChildren(saidOf(record));
  at("pending").hidden = false;
  const again = async () => {
    at("pending-send").disabled = true;
    try {
      await deliver(record);
      at("pending").hidden = true;
    } catch (trouble) {
      showTrouble(trouble, mayArrive(trouble) ? record : undefined, at("pending-said"));
    } finally {
      at("pending-send").disabled = false;
    }
  };
  at("pending-send").addEventListener("click", () => void again());
  surely(at("pending-discard"), "discard-sure", at("pending-said"), async () => {
    await mine.forget(record.identity);
    at("pending").hidden = true;
  });
  await again();
}

// --- the receipt ---

/** Fill in `registered.html` with what was registered, and go there. */
export async function showDone(record, place) {
  const { identity, index, received, receipt, standing } = record;
  at("done-code").textContent = [0, 4, 8].map((from) => identity.slice(from, from + 4)).join(" ");
  at("done-received").textContent = moment(Date.parse(received), place);
  at("done-index").textContent = say("done-index", { index: number(index) });
  at("done-witnesses").textContent = say(`done-${standing}`);
  at("done-identity").textContent = identity;
  saves(at("done-receipt"), `constancia-${index}.tlog-proof`, receipt);
  at("done-private-part").hidden = !record.secret;
  if (record.secret) {
    saves(at("done-private"), `comentario-${index}.private.json`, mine.privateFile(record), "application/json");
  }
  at("done-follow").href = within(place.comments, record.about.slice(0, 12));
  at("done-page").href = within(place.receipts, identity);
  at("step-done").hidden = false;
  at("done-title").focus();
  at("done-title").scrollIntoView();
  await showCode(at("done-page").href);
  at("step-done").dataset.whole = "yes";
}

/** The address of a page below another. */
export function within(address, segment) {
  const made = new URL(address, location.href);
  made.pathname += `/${segment}`;
  return made.href;
}

const TRIES = 8;

/** The QR code, from the receipt's own page as soon as that has read the new entry. */
async function showCode(address) {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const answer = await fetch(address, { cache: "no-store" }).catch(() => undefined);
    if (answer?.ok) {
      const code = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("figure.qr");
      if (code) at("done-qr").replaceChildren(document.importNode(code, true));
      return;
    }
    await new Promise((done) => setTimeout(done, 250));
  }
}
