// Proof of work: what this browser does where an address has sent much, so that its next statement is taken at once.
//
// Specs: api/work.py, whose twin this is; https://altcha.org ("Proof-of-work mechanism", version 2). Nobody has to see or
// solve anything: a thread of its own looks for a number, and the page stays as quick as it was.
//
//   const answer = await solve(challenge, ({ done, most }) => …);        goes into the header `Constancia-Work`

const ALGORITHM = "PBKDF2/SHA-256";
const MOST = 100; // trials at level 0; each level doubles them
const MAX_LEVEL = 4;
const MOST_TRIALS = 4 * (MOST << MAX_LEVEL);
const MOST_ITERATIONS = 100_000;

/** The answer to a challenge. `onProgress` is told `{done, most}`: trials made, and how many there are at the most.
 * Rejects with an Error for what is no challenge, or would take for ever. */
export function solve(challenge, onProgress = () => {}) {
  const { algorithm, cost, keyLength = 32, keyPrefix, nonce, salt, data } = challenge?.parameters ?? {};
  const hex = [nonce, salt, keyPrefix].every((text) => /^(?:[0-9a-f]{2})+$/.test(text));
  const known = algorithm === ALGORITHM && cost > 0 && cost <= MOST_ITERATIONS && keyLength === 32;
  if (!hex || !known) return Promise.reject(new Error("no challenge of a kind that is known here"));
  const most = data?.level >= 0 && data.level <= MAX_LEVEL ? MOST << data.level : MOST_TRIALS;
  const thread = new Worker(new URL("./work-thread.js", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    thread.onmessage = ({ data: { ready, done, derivedKey } }) => {
      if (ready) return thread.postMessage({ cost, nonce, salt, keyPrefix, most: MOST_TRIALS });
      onProgress({ done, most: Math.max(most, done) });
      if (!derivedKey) return;
      const solution = { counter: done, derivedKey };
      return resolve(btoa(JSON.stringify({ challenge, solution })));
    };
    thread.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message || "the work could not be done"));
    };
  }).finally(() => thread.terminate());
}
