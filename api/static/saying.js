// How scripts speak on a page: every sentence comes from the page, in the reader's language (`#words`); texts of others
// are isolated and shown with all that they hold.

export const at = (id) => document.getElementById(id);

const words = JSON.parse(at("words").textContent);
const language = document.documentElement.lang;

/** The sentence of a code, with `%(name)s` filled in. */
export const say = (code, fills = {}) => words[code].replace(/%\((\w+)\)s/g, (_, name) => fills[name] ?? "");
export const hasWords = (code) => code in words;

export const number = (value) => new Intl.NumberFormat(language).format(value);

const calendar = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" });

/** A time (ms) at the ledger's offset, which is named; seconds beyond every calendar, which a witness may claim, stand as
 * they are. `place` has the offset in its `data-offset-minutes` and `data-offset`. */
export function moment(ms, { offsetMinutes, offset }) {
  const local = ms + Number(offsetMinutes) * 60_000;
  if (Math.abs(local) > 8.64e15) return `${ms / 1000} s`;
  return `${calendar.format(local)}, ${new Date(local).toISOString().slice(-13, -8)} (${offset})`;
}

export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** A text of others: apart from the direction of the page, and what cannot be seen stands there by its number. */
export function foreign(text) {
  const unseen = /([^\P{C}\n\t]|[\u034f\u115f\u1160\u17b4\u17b5\u2028\u2029\u2800\u3164\ufe00-\ufe0f\uffa0])/u;
  const parts = text.split(unseen).map((part, odd) =>
    odd % 2 ? element("span", "flag", `U+${part.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`) : part,
  );
  return element("bdi", "", ...parts);
}

/** Make a link save a text as a file; it is asked of nobody. */
export function saves(link, name, text, type = "text/plain") {
  if (link.href.startsWith("blob:")) URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  return link;
}
