// "My comments in this browser": everything that was signed here, with its files; the drafts; the keys. All of it can be
// forgotten, one by one, and nothing of it is sent anywhere but what has had no answer yet.

import * as keys from "./keys.js";
import * as mine from "./mine.js";
import { saidOf, showTrouble, surely, tellProgress, within } from "./outcome.js";
import { at, element, foreign, moment, number, saves, say } from "./saying.js";
import { mayArrive, send } from "./sending.js";

const page = at("mine");
const { path } = page.dataset;

function button(code, className = "plain") {
  const made = element("button", className, say(code));
  made.type = "button";
  return made;
}

function link(code, href) {
  const made = element("a", "", say(code));
  made.href = href;
  return made;
}

/** A button of a line that asks once more, in the line itself. */
function asking(code, does) {
  const told = element("span", "small differ-word", "");
  told.setAttribute("role", "status");
  const made = button(code);
  surely(made, `${code}-sure`, told, does);
  return [made, " ", told];
}

// --- what was signed ---

function signedLine(one) {
  const { kind, state, index, identity, about, said, received } = one;
  const when = moment(Date.parse(received ?? said), page.dataset);
  const place = state === "registered" ? say("state.registered", { index: number(index) }) : say("state.pending");
  const words = one.contents.length ? element("p", "said", foreign(one.contents[0].content.text)) : undefined;
  return element(
    "li",
    "",
    element("p", "name", say(`said.${kind}`)),
    words,
    element("p", "facts", element("span", "", when), element("span", "", place), element("span", "", foreign(one.round))),
    element("p", "act", ...(state === "pending" ? pendingActs(one) : registeredActs(one, about ?? identity))),
  );
}

function registeredActs(one, about) {
  const receipt = saves(link("receipt", ""), `constancia-${one.index}.tlog-proof`, one.receipt);
  const own = one.secret
    ? saves(link("private-file", ""), `comentario-${one.index}.private.json`, mine.privateFile(one), "application/json")
    : undefined;
  return [link("follow", within(page.dataset.comments, about.slice(0, 12))), receipt, own, ...asking("forget", () => forget(one))].filter(Boolean);
}

function pendingActs(one) {
  const again = button("send-again", "");
  again.addEventListener("click", async () => {
    again.disabled = true;
    try {
      await send(one, tellProgress);
      tellProgress("");
      await showSigned();
    } catch (trouble) {
      showTrouble(trouble, mayArrive(trouble) ? one : undefined);
      if (!mayArrive(trouble)) await showSigned();
    } finally {
      again.disabled = false;
    }
  });
  return [again, ...asking("discard", () => forget(one))];
}

async function forget({ identity }) {
  await mine.forget(identity);
  await showSigned();
}

async function showSigned() {
  const lines = (await mine.signedHere(path)).map(signedLine);
  at("signed").replaceChildren(...(lines.length ? lines : [element("li", "quiet", say("nothing-here"))]));
}

// --- drafts and keys ---

function draftLine(name) {
  const [round, replyTo] = name.split("/").slice(-2);
  const address = new URL(within(page.dataset.rounds, `${round}/comentar`));
  if (replyTo) address.searchParams.set("responde", replyTo.slice(0, 12));
  return element(
    "li",
    "",
    element("p", "", say("draft-of", { round })),
    element("p", "said", foreign((mine.draft(name)?.text ?? "").slice(0, 300))),
    element("p", "act", link("open-draft", address.href), ...asking("delete-draft", () => {
      mine.keepDraft(name, undefined);
      showDrafts();
    })),
  );
}

function showDrafts() {
  const lines = mine.drafts(path).map(draftLine);
  at("drafts").replaceChildren(...(lines.length ? lines : [element("li", "quiet", say("no-drafts"))]));
}

async function showKeys() {
  const { origin } = page.dataset;
  const own = (await keys.allKeys()).filter(({ scope }) => scope.startsWith(`${origin} `));
  const lines = own.map(({ key, scope }) =>
    element("li", "", element("p", "", say("key-of", { key: key.slice(0, 16), round: scope.slice(origin.length + 1) })),
      element("p", "act", ...asking("forget-key", async () => {
        await keys.forgetKey(key);
        await showKeys();
      }))),
  );
  at("keys").replaceChildren(...(lines.length ? lines : [element("li", "quiet", say("no-keys"))]));
}

await Promise.all([showSigned(), showKeys()]);
showDrafts();
page.hidden = false;
page.dataset.ready = keys.engine;
