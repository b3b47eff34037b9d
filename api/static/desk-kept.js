// What an officer has begun to write at a desk, kept in this browser until it is signed or deleted.
//
// Only forms that ask for it (`data-kept`): what is withheld from the public is never kept. A draft is the values of the
// fields, by name, in localStorage; chosen files are not among them, nor words that name a person (`aside-salted`). It
// belongs to the form and to what the page knew when it was opened (`data-fixed`), so each mechanism has its own.

const DRAFT = "constancia/desk/";

export const nameOf = (ledger, form) => `${DRAFT}${ledger}/${form.dataset.name}/${form.dataset.fixed}`;

/** The values that a form holds; undefined where nothing was written. */
export function valuesOf(form) {
  const values = {};
  const named = form.elements["aside-salted"]?.checked;
  for (const field of form.elements) {
    if (!field.name || field.type === "file" || field.type === "hidden" || (named && field.name === "words")) continue;
    const value = field.type === "checkbox" ? field.checked : field.value;
    if (value !== initialOf(field)) values[field.type === "checkbox" ? `${field.name}=${field.value}` : field.name] = value;
  }
  return Object.keys(values).length ? values : undefined;
}

function initialOf(field) {
  if (field.type === "checkbox") return field.defaultChecked;
  return field.tagName === "SELECT" ? (field.querySelector("[selected]")?.value ?? field.options[0]?.value ?? "") : field.defaultValue;
}

/** Put the values of a draft into a form. */
export function fillIn(form, values) {
  for (const field of form.elements) {
    const kept = values[field.type === "checkbox" ? `${field.name}=${field.value}` : field.name];
    if (kept === undefined) continue;
    if (field.type === "checkbox") field.checked = kept === true;
    else if (field.type !== "file") field.value = kept;
  }
}

/** The draft of this name: `{values, saved}`, `saved` in milliseconds; undefined where there is none. */
export function found(name) {
  try {
    const kept = JSON.parse(localStorage.getItem(name));
    return kept?.values && Number.isFinite(kept.saved) ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Keep a draft; undefined takes it away. Answers whether this browser could. */
export function keep(name, values) {
  try {
    if (values === undefined) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify({ values, saved: Date.now() }));
    return true;
  } catch {
    return false;
  }
}
