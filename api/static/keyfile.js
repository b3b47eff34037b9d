// An officer's private key file, opened in the page: the twin of api/keyfiles.py. Key and passphrase never leave it.
//
// Spec: OpenSSH, PROTOCOL.key; RFC 8032, RFC 8410 (PKCS#8 of Ed25519).
//
//   -----BEGIN OPENSSH PRIVATE KEY-----
//   base64 of:  "openssh-key-v1\0"   cipher   kdf   kdf's options {salt, rounds}   1   public key   sealed part   (tag)
//   -----END OPENSSH PRIVATE KEY-----
//
//   sealed part, opened:  n   the same n again   "ssh-ed25519"   public   seed ‖ public   comment   1 2 3 … to a block
//
//     const file = parseKeyFile(bytes)                 what stands in the clear: {key, sealed, cipher, …}
//     const signer = await openKeyFile(file, passphrase, onProgress)
//     signer.key                                       64 hex digits, as statements write them
//     await signer.sign(bytes)                         64 bytes
//
// The ciphers are those that keyfiles.py reads. After opening, the key is one that WebCrypto keeps and does not give out
// again; where the browser knows no Ed25519, the vendored library signs with bytes that stay within this module
// (`engine` says which). Nothing is stored: leaving the page forgets the key.

import { Fault, concat, equal, fromBase64, strictUtf8, toHex, utf8 } from "./bytes.js";
import { checkPublicKey, verifyEd25519 } from "./ed25519.js";

const BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC = utf8("openssh-key-v1\0");
const KIND = "ssh-ed25519";
const MAX_FILE = 16_384;
const MAX_ROUNDS = 2_048; // minutes; a file that asks for more was not made by these programs

/** Bytes of key and of nonce, and how each cipher is opened. */
const CIPHERS = {
  none: { key: 0, nonce: 0, block: 8 },
  "aes256-ctr": { key: 32, nonce: 16, block: 16, open: openCtr },
  "aes256-cbc": { key: 32, nonce: 16, block: 16, open: openCbc },
  "aes256-gcm@openssh.com": { key: 32, nonce: 12, block: 16, tag: 16, open: openGcm },
};

/** Takes strings and numbers off the front of bytes, big-endian as SSH writes them. Throws Fault (key-damaged). */
class Reading {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(length) {
    if (length > this.bytes.length - this.at) throw new Fault("key-damaged");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  number() {
    return this.take(4).reduce((number, byte) => number * 256 + byte, 0);
  }

  string() {
    return this.take(this.number());
  }

  get rest() {
    return this.bytes.subarray(this.at);
  }
}

const name = (bytes) => String.fromCharCode(...bytes.subarray(0, 60));

/** What a key file shows without its passphrase: `{key, sealed, …}`, `key` being the public half in 64 hex digits and
 * `sealed` whether a passphrase is wanted.
 *
 * Throws Fault: `key-file` (no OpenSSH private key), `key-public` (the public half, which signs nothing), `key-damaged`
 * (cut off or altered), `key-kind` (not Ed25519; the evidence is its kind), `key-cipher` (locked with one that is not
 * read here; the evidence is its name). */
export function parseKeyFile(bytes) {
  const file = new Reading(unwrap(bytes));
  if (!equal(file.take(MAGIC.length), MAGIC)) throw new Fault("key-file");
  const [cipher, kdf] = [name(file.string()), name(file.string())];
  const options = new Reading(file.string());
  if (file.number() !== 1) throw new Fault("key-file");
  const publicKey = publicOf(new Reading(file.string()));
  const locked = file.string();
  const found = Object.hasOwn(CIPHERS, cipher) ? CIPHERS[cipher] : undefined;
  if (!found || (kdf === "bcrypt") !== (cipher !== "none")) throw new Fault("key-cipher", cipher);
  const tag = file.take(found.tag ?? 0);
  if (file.rest.length || !locked.length || locked.length % found.block) throw new Fault("key-damaged");
  const sealed = cipher !== "none";
  return { key: toHex(publicKey), publicKey, sealed, cipher, locked, tag, ...(sealed ? derivation(options) : {}) };
}

/** The bytes between the two lines. */
function unwrap(bytes) {
  if (bytes.length > MAX_FILE) throw new Fault("key-file");
  let text;
  try {
    text = strictUtf8(bytes).trim();
  } catch {
    throw new Fault("key-file");
  }
  if (text.startsWith("ssh-")) throw new Fault("key-public");
  if (!text.startsWith(BEGIN)) throw new Fault("key-file");
  if (!text.endsWith(END)) throw new Fault("key-damaged");
  try {
    return fromBase64(text.slice(BEGIN.length, -END.length).replace(/[\r\n \t]/g, ""));
  } catch {
    throw new Fault("key-damaged");
  }
}

function publicOf(blob) {
  const kind = name(blob.string());
  if (kind !== KIND) throw new Fault("key-kind", kind);
  const key = blob.string();
  if (blob.rest.length || key.length !== 32) throw new Fault("key-damaged");
  checkPublicKey(key);
  return key;
}

function derivation(options) {
  const [salt, rounds] = [options.string(), options.number()];
  if (options.rest.length || !salt.length || !rounds || rounds > MAX_ROUNDS) throw new Fault("key-damaged");
  return { salt, rounds };
}

/** A signer for an opened file: `{key, sign(bytes), engine}`. `onProgress(done, of)` is called while the passphrase is
 * tried; `signal` (an AbortSignal) gives up.
 *
 * Throws Fault: `passphrase-missing`, `passphrase-wrong` (or, in rare cases, the file was altered), `key-damaged`,
 * `no-webcrypto` (the page came over plain http). */
export async function openKeyFile(file, passphrase = "", onProgress = () => {}, signal = undefined) {
  if (!globalThis.crypto?.subtle) throw new Fault("no-webcrypto");
  if (file.sealed && !passphrase) throw new Fault("passphrase-missing");
  const opened = file.sealed ? await unlock(file, passphrase, onProgress, signal) : file.locked.slice();
  try {
    return await signerOf(seedOf(opened, file), file);
  } finally {
    opened.fill(0);
  }
}

async function unlock(file, passphrase, onProgress, signal) {
  const { key: keyLength, nonce, open } = CIPHERS[file.cipher];
  const wanted = { passphrase: utf8(passphrase), salt: file.salt, rounds: file.rounds, length: keyLength + nonce };
  const made = await derive(wanted, onProgress, signal);
  try {
    return await open(made.subarray(0, keyLength), made.subarray(keyLength), file);
  } finally {
    made.fill(0);
  }
}

/** The bytes that a passphrase gives, computed in a worker. */
function derive(wanted, onProgress, signal) {
  const worker = new Worker(new URL("./keyfile-worker.js", import.meta.url), { type: "module" });
  const derived = new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(`keyfile-worker.js: ${event.message ?? "not loaded"}`));
    worker.onmessage = ({ data }) => {
      if (data.ready) worker.postMessage(wanted);
      else if (data.key) resolve(data.key);
      else onProgress(data.done, data.of);
    };
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return derived.finally(() => worker.terminate());
}

// --- ciphers ---

const aes = (key, mode, use) => crypto.subtle.importKey("raw", key, mode, false, use);

async function openCtr(key, nonce, { locked }) {
  const how = { name: "AES-CTR", counter: nonce, length: 128 };
  return new Uint8Array(await crypto.subtle.decrypt(how, await aes(key, "AES-CTR", ["decrypt"]), locked));
}

/** OpenSSH pads to a block with 1 2 3 …, WebCrypto insists on the padding of PKCS#7: one block of it, encrypted as the
 * next of the chain, is put behind and taken off again. */
async function openCbc(key, nonce, { locked }) {
  const imported = await aes(key, "AES-CBC", ["encrypt", "decrypt"]);
  const last = { name: "AES-CBC", iv: locked.slice(-16) };
  const padding = new Uint8Array(await crypto.subtle.encrypt(last, imported, new Uint8Array(0)));
  const how = { name: "AES-CBC", iv: nonce };
  return new Uint8Array(await crypto.subtle.decrypt(how, imported, concat(locked, padding)));
}

async function openGcm(key, nonce, { locked, tag }) {
  const how = { name: "AES-GCM", iv: nonce, tagLength: 128 };
  const imported = await aes(key, "AES-GCM", ["decrypt"]);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(how, imported, concat(locked, tag)));
  } catch {
    throw new Fault("passphrase-wrong");
  }
}

// --- the key ---

/** The seed in the opened part, all of which must be as it is written. */
function seedOf(opened, { sealed, publicKey, cipher }) {
  const part = new Reading(opened);
  // The number that stands twice is how OpenSSH tells a wrong passphrase.
  if (!equal(part.take(4), part.take(4))) throw new Fault(sealed ? "passphrase-wrong" : "key-damaged");
  const kind = name(part.string());
  const [own, pair] = [part.string(), part.string()];
  part.string(); // the comment
  const padding = part.rest;
  const whole =
    kind === KIND && equal(own, publicKey) && pair.length === 64 && equal(pair.subarray(32), publicKey) &&
    padding.length < CIPHERS[cipher].block && padding.every((byte, at) => byte === at + 1);
  if (!whole) throw new Fault("key-damaged");
  return pair.subarray(0, 32);
}

const PKCS8 = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32);

async function signerOf(seed, { key, publicKey }) {
  const signer = { key, ...((await byWebCrypto(seed)) ?? (await byVendored(seed))) };
  const trial = utf8("constancia");
  try {
    await verifyEd25519(publicKey, trial, await signer.sign(trial));
  } catch {
    throw new Fault("key-damaged"); // a seed under another public key
  }
  return signer;
}

async function byWebCrypto(seed) {
  const pkcs8 = concat(PKCS8, seed);
  try {
    const imported = await crypto.subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, false, ["sign"]);
    const sign = async (bytes) => new Uint8Array(await crypto.subtle.sign({ name: "Ed25519" }, imported, bytes));
    return { sign, engine: "webcrypto" };
  } catch {
    return undefined; // no browser that knows the algorithm refuses 32 bytes
  } finally {
    pkcs8.fill(0);
  }
}

async function byVendored(seed) {
  const { signAsync } = await import("./vendor/noble-ed25519.js");
  const kept = seed.slice();
  return { sign: (bytes) => signAsync(bytes, kept), engine: "vendored" };
}
