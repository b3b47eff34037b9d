// A form of the desks becomes the draft of a statement (drafts.js): the names of its fields are those of the kind.
//
//   <form data-kind="RoundExtended" data-fixed='{"plan":…,"round":…}'>      what the page knows already
//   <input name="closes" data-as="local" type="datetime-local">            what the officer writes
//
// `data-as` says what a field's value is made into:
//
//   (nothing)    a text; an empty one is left out          words      {"text": …}, or a content where `aside-salted`
//   number       an integer                                content    {"$content": {"text", "name"?, "place"?}}
//   local        a time on the ledger's clock -> UTC       digest     SHA-256 of a chosen file, computed here
//   days         so many days from now -> UTC              list       what is ticked, or several words in one line
//   date         a day, or none                            parts      "slug: title" a line
//   entry        the number of an entry -> its identity    changes    "what changed [12, 15]" a line
//   commitments  codes of a plan in one line               claim      a new claim, beside its secret
//   uses         "code: what it takes" a line              weekly     what stands in the fields of each commitment
//   claims       "Complete: 28 of 48" a line
//
// Fields whose names begin with `aside-` belong to others, or to the page. A field that is wrong throws Wrong with the
// field, so that the page can say so at the top and beside it. What is right here is still checked by the shape of the kind, by the rules, and by the person who reads the review.

import { fromHex, sha256, toHex } from "./bytes.js";
import { randomHex, saidNow } from "./sign.js";
import { claimOf } from "./statement.js";

/** A field that cannot be used as it is: `code` names the sentence. */
export class Wrong extends Error {
  constructor(code, field, fills = {}) {
    super(code);
    Object.assign(this, { code, field, fills });
  }
}

const DAY = 86_400_000;
const SLUG = /^[a-z0-9][a-z0-9-]{0,63}$/;
const MAX_FILE = 32 * 1024 * 1024; // what the server hands out of `documents/`

/** A time on the ledger's clock (`2026-12-31T18:00`) as statements write it. */
export const utcOf = (local, offsetMinutes) => saidNow(Date.parse(`${local.slice(0, 16)}:00Z`) - offsetMinutes * 60_000);

/** A time of a statement on the ledger's clock, as `datetime-local` wants it. */
export const localOf = (when, offsetMinutes) =>
  new Date(Date.parse(when) + offsetMinutes * 60_000).toISOString().slice(0, 16);

/** An identifier from a title: `Metas e indicadores` -> `metas-e-indicadores`. */
export const slugOf = (title) =>
  title.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, " ").trim().replaceAll(" ", "-").slice(0, 64).replace(/-$/, "");

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
const numbers = (text) => text.split(/[\s,;]+/).filter(Boolean);

const MAKERS = {
  text: (field) => field.value.trim() || undefined,
  number(field) {
    if (field.value.trim() === "") return undefined;
    if (!/^[0-9]{1,15}$/.test(field.value.trim())) throw new Wrong("field-number", field);
    return Number(field.value);
  },
  local(field, { offsetMinutes }) {
    return field.value ? utcOf(field.value, offsetMinutes) : undefined;
  },
  days(field, { now }) {
    const days = MAKERS.number(field);
    return days === undefined ? undefined : saidNow(now + days * DAY);
  },
  date: (field) => (field.value ? { precision: "day", day: field.value } : { precision: "none" }),
  words(field, { form }) {
    const text = field.value.trim();
    if (!text) return undefined;
    return form.elements["aside-salted"]?.checked ? { salted_digest: { $content: { text } } } : { text };
  },
  content(field, { form }) {
    if (!field.value.trim()) return undefined;
    const content = { text: field.value }; // exactly: what an author wrote is not trimmed
    for (const name of ["name", "place"]) {
      const beside = form.elements[`aside-${name}`];
      const given = beside && (beside.type !== "checkbox" || beside.checked) && beside.value.trim();
      if (given) content[name] = given;
    }
    return { $content: content };
  },
  async digest(field) {
    const [file] = field.files;
    if (!file) return undefined;
    if (file.size > MAX_FILE) throw new Wrong("field-large", field);
    return toHex(await sha256(new Uint8Array(await file.arrayBuffer())));
  },
  list: (field, { form }) => {
    const named = form.elements[field.name];
    return named instanceof RadioNodeList || field.type === "checkbox"
      ? [...form.querySelectorAll(`[name="${field.name}"]:checked`)].map((one) => one.value)
      : numbers(field.value);
  },
  commitments: (field, { plan }) => numbers(field.value).map((code) => commitmentOf(code, field, plan)),
  uses: (field, { plan }) => lines(field.value).map((line) => useOf(line, field, plan)),
  weekly: (field, { form }) => [...form.querySelectorAll("fieldset[data-commitment]")].flatMap(weekOf),
  claims: (field, { levels }) => lines(field.value).map((line) => claimedOf(line, field, levels)),
  parts: (field) => lines(field.value).map((line) => partOf(line, field)),
  entry: async (field, context) => (field.value.trim() ? identityOf(field.value.trim(), field, context) : undefined),
  changes: (field, context) => Promise.all(lines(field.value).map((line) => changeOf(line, field, context))),
  async claim(field, context) {
    if (!field.checked) return undefined;
    context.secret = randomHex(32);
    return claimOf(fromHex(context.secret, 32));
  },
};

/** A figure that a report claims: how many commitments are reported at a level, which goes by its name or its code. */
function claimedOf(line, field, levels) {
  const [, named, value, total] = /^(.+?)\s*:\s*([0-9]{1,6})\s*(?:de|of|\/)\s*([0-9]{1,6})$/.exec(line) ?? [];
  const level = Object.keys(levels).find((code) => [code, levels[code].toLowerCase()].includes(named?.toLowerCase()));
  if (!level) throw new Wrong("field-claim", field, { line });
  return { measure: "level_count", scope: { level }, value: Number(value), out_of: Number(total) };
}

function commitmentOf(code, field, plan) {
  if (!/^[A-Z]{1,2}[1-9][0-9]{0,2}$/.test(code)) throw new Wrong("field-commitment", field, { line: code });
  return `${plan}/${code}`;
}

function useOf(line, field, plan) {
  const [, code, takes] = /^([A-Z0-9]+)\s*:\s*(.+)$/.exec(line) ?? [];
  if (!code) throw new Wrong("field-use", field, { line });
  return { commitment: commitmentOf(code, field, plan), takes };
}

/** What an institution says of one commitment in a week: nothing, or progress and action, both. */
function weekOf(fields) {
  const [progress, action] = ["progress", "action"].map((name) => fields.querySelector(`[name="aside-${name}"]`));
  const said = [progress, action].map(({ value }) => value.trim());
  if (said.every((one) => !one)) return [];
  const missing = [progress, action].find(({ value }) => !value.trim());
  if (missing) throw new Wrong("field-missing", missing);
  return [{ commitment: fields.dataset.commitment, progress: said[0], action: said[1] }];
}

function partOf(line, field) {
  const [, named, title] = /^([a-z0-9][a-z0-9-]*)\s*:\s*(.+)$/.exec(line) ?? [undefined, slugOf(line), line];
  if (!SLUG.test(named) || named === "whole") throw new Wrong("field-part", field, { line });
  return { part: named, title };
}

async function changeOf(line, field, context) {
  const [, text, listed] = /^(.*?)\s*(?:\[([0-9,;\s]*)\])?$/.exec(line);
  if (!text) throw new Wrong("field-change", field, { line });
  return { text, comments: await Promise.all(numbers(listed ?? "").map((one) => identityOf(one, field, context))) };
}

/** The identity of an entry by its number, which the ledger tells. */
async function identityOf(number, field, { ledger }) {
  if (/^[0-9a-f]{64}$/.test(number)) return number;
  if (!/^[0-9]{1,15}$/.test(number)) throw new Wrong("field-entry", field, { number });
  const answer = await fetch(`${ledger}/api/entries/${Number(number)}`).catch(() => undefined);
  if (!answer) throw new Wrong("offline", field);
  if (!answer.ok) throw new Wrong("field-entry", field, { number });
  return (await answer.json()).data.identity;
}

/** `{draft, secret}` of a form: `secret` is that of the claim, where the form makes one. `context` is `{ledger,
 * offsetMinutes, now}`. Throws Wrong for the first field that is missing or wrong. */
export async function draftOf(form, context) {
  const draft = { kind: form.dataset.kind, ...JSON.parse(form.dataset.fixed ?? "{}") };
  const around = { ...context, form, plan: draft.plan };
  for (const field of form.elements) {
    const { name, dataset } = field;
    if (!name || Object.hasOwn(draft, name) || name.startsWith("aside-") || field.disabled) continue;
    const value = await MAKERS[dataset.as ?? "text"](field, around);
    const empty = value === undefined || (Array.isArray(value) && !value.length) || value.precision === "none";
    if (dataset.needed !== undefined && empty) throw new Wrong("field-missing", field);
    if (value !== undefined) draft[name] = value;
  }
  return { draft, secret: around.secret };
}
