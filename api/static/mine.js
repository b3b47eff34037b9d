// What somebody signed in this browser, and what they are still writing. Nothing of it leaves the browser but by hand.
//
// A statement is kept before it is sent, so that no closed tab and no lost answer loses it: what is `pending` is sent
// again as it is, and gets the place that it may have already.
//
//   {identity, path, origin, round, kind, about, key, note, contents, secret, receipt, index, received, state}
//
//   state     pending: no answer yet      registered: the receipt was verified here
//   about     the identity of the comment that an act is about; of a comment its own
//   secret    of a comment: 64 hex, nowhere else but in its private file
//
// A draft is text in localStorage, one for each round and comment replied to.

import { canonical } from "./statement.js";
import * as shelf from "./shelf.js";

export const keep = (record) => shelf.put("mine", record);
export const forget = (identity) => shelf.remove("mine", identity);
export const find = (identity) => shelf.get("mine", identity);

/** Everything that was signed here for the ledger at `path`: what is pending, then the newest first. */
export async function signedHere(path) {
  const found = (await shelf.all("mine")).filter((one) => one.path === path);
  return found.sort((one, other) => (other.index ?? Infinity) - (one.index ?? Infinity) || (one.said < other.said ? 1 : -1));
}

/** The bytes of the private file of a comment, as `constancia sign` writes it. */
export const privateFile = ({ contents, origin, secret, identity }) =>
  `${canonical({ contents, origin, secret, statement: identity })}\n`;

// --- drafts ---

const DRAFT = "constancia/draft/";
export const draftName = (path, round, replyTo = "") => `${DRAFT}${path}/${round}/${replyTo}`;

/** The draft of that name; undefined where there is none. */
export function draft(name) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Keep a draft; undefined takes it away. Answers whether this browser could. */
export function keepDraft(name, text) {
  try {
    if (text === undefined) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify(text));
    return true;
  } catch {
    return false;
  }
}

/** The names of all drafts for the ledger at `path`. */
export function drafts(path) {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(`${DRAFT}${path}/`));
  } catch {
    return [];
  }
}
