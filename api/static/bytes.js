// Bytes, the one form in which each stands as text, and their hashes.
//
// Specs: RFC 4648 section 4 (base64), FIPS 180-4 (SHA-2). Every reader here parses, writes again and compares, because
// the decoders of browsers forgive what ours must not: spaces, missing padding, stray bits, a byte order mark.
//
// Hashes come from WebCrypto. A page that came over plain http has none (browsers keep it for https and localhost);
// then the vendored SHA-2 computes them.

/** Bytes that are not of their format, or that do not show what they claim: `reason` is a short code that never
 * changes (the same codes as on the server), `evidence` the piece concerned. */
export class Fault extends Error {
  constructor(reason, evidence = "") {
    super(`${reason}: ${evidence}`);
    this.reason = reason;
    this.evidence = String(evidence).slice(0, 200);
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const utf8 = (text) => encoder.encode(text);

/** The text of UTF-8 bytes, a byte order mark included. Throws Fault (bad-utf8). */
export function strictUtf8(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Fault("bad-utf8");
  }
}

export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const equal = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The bytes of lower-case hex digits, `length` of them. Throws Fault (encoding). */
export function fromHex(text, length) {
  if (!/^[0-9a-f]*$/.test(text) || text.length !== 2 * length) throw new Fault("encoding", text);
  return Uint8Array.from({ length }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

/** The bytes of base64 in its one form, with padding; `length` of them, if given. Throws Fault (encoding). */
export function fromBase64(text, length) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    throw new Fault("encoding", text);
  }
  if (btoa(binary) !== text || (length !== undefined && binary.length !== length)) throw new Fault("encoding", text);
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

export const toBase64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

export const MAX_DECIMAL = 2n ** 63n - 1n;

/** The number written `0` or without a leading zero, at most `limit`, as a BigInt. Throws Fault (encoding). */
export function fromDecimal(text, limit = MAX_DECIMAL) {
  if (text.length > 20 || !/^(?:0|[1-9][0-9]*)$/.test(text) || BigInt(text) > limit) throw new Fault("encoding", text);
  return BigInt(text);
}

/** The number that bytes give, the least of them first. */
export const littleEndian = (bytes) => bytes.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n);

/** The number that bytes give, the greatest of them first. */
export const bigEndian = (bytes) => bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);

// --- hashes ---

const subtle = globalThis.crypto?.subtle;
const vendored = subtle ? null : await import("./vendor/sha2.js");

/** SHA-256 of the parts one behind the other. */
export async function sha256(...parts) {
  const bytes = concat(...parts);
  return vendored ? vendored.sha256(bytes) : new Uint8Array(await subtle.digest("SHA-256", bytes));
}

/** SHA-512 of the parts one behind the other. */
export async function sha512(...parts) {
  const bytes = concat(...parts);
  return vendored ? vendored.sha512(bytes) : new Uint8Array(await subtle.digest("SHA-512", bytes));
}
