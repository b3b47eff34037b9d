// The thread that does the work of work.js: for counter = 0, 1, 2, … PBKDF2 over SHA-256, until its 32 bytes begin as
// asked.
//
// Spec: RFC 8018, section 5.2. Trials are WebCrypto's; a page that came over plain http has none, and there they are
// computed with the vendored SHA-256, in some seconds.
//
//   tells  {ready}                what came before it was there to listen would be lost
//   gets   {cost, nonce, salt, keyPrefix, most}
//   tells  {done}, now and then, and in the end {done, derivedKey}

import { concat, fromHex, toHex } from "./bytes.js";

const TELL_EVERY_MS = 100;

const subtle = globalThis.crypto?.subtle;
const derive = subtle ? byWebCrypto : byHashes((await import("./vendor/sha2.js")).sha256);

async function byWebCrypto(password, salt, iterations) {
  const key = await subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, 256));
}

/** The same from SHA-256 alone. One block is all that is asked for: 32 bytes. */
function byHashes(sha256) {
  const padded = (password, byte) => Uint8Array.from({ length: 64 }, (_, at) => (password[at] ?? 0) ^ byte);
  return (password, salt, iterations) => {
    const inner = sha256.create().update(padded(password, 0x36));
    const outer = sha256.create().update(padded(password, 0x5c));
    const hmac = (message) => outer.clone().update(inner.clone().update(message).digest()).digest();
    let last = hmac(concat(salt, Uint8Array.of(0, 0, 0, 1)));
    const sum = last.slice();
    for (let round = 1; round < iterations; round += 1) {
      last = hmac(last);
      for (let at = 0; at < 32; at += 1) sum[at] ^= last[at];
    }
    return sum;
  };
}

function passwordOf(nonce, counter) {
  const number = new Uint8Array(4);
  new DataView(number.buffer).setUint32(0, counter);
  return concat(nonce, number);
}

async function search({ cost, nonce, salt, keyPrefix, most }) {
  const [start, salted] = [nonce, salt].map((text) => fromHex(text, text.length / 2));
  let told = performance.now();
  for (let done = 0; done <= most; done += 1) {
    const derivedKey = toHex(await derive(passwordOf(start, done), salted, cost));
    if (derivedKey.startsWith(keyPrefix)) return { done, derivedKey };
    if (performance.now() - told < TELL_EVERY_MS) continue;
    told = performance.now();
    self.postMessage({ done });
  }
  throw new Error("the server asks for more work than anybody should do");
}

// Thrown where the page hears of it; a rejected promise would tell nobody.
self.onmessage = ({ data }) => {
  search(data).then(
    (found) => self.postMessage(found),
    (fault) => setTimeout(() => { throw fault; }),
  );
};
self.postMessage({ ready: true });
