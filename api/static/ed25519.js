// Ed25519, strictly: the verdict that the server and the offline tool give, on odd keys and signatures too.
//
// Specs: RFC 8032; ledger/FORMAT.md. In this order:
//
//   1. the key has 32 bytes, the signature 64 = R and S
//   2. the y of the key and of R is below 2^255 - 19
//   3. neither is one of the points of small order: under such a key one signature fits many texts
//   4. S is below the order of the group
//   5. S·B = R + h·A, without cofactor
//
// Browsers check the last rule and not all of the others, so those stand here. The equation is WebCrypto's where it
// knows Ed25519, which is found out by doing; elsewhere the points of the vendored @noble/ed25519 compute it, as its own
// `verify` asks for less (it multiplies by the cofactor).

import { Fault, equal, fromHex, littleEndian, sha512, toHex, utf8 } from "./bytes.js";

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const WITHOUT_SIGN = 2n ** 255n - 1n;

// The y of the eight points of small order, whichever the sign of x.
const SMALL_ORDER = new Set([
  0n,
  1n,
  P - 1n,
  littleEndian(fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", 32)),
  littleEndian(fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", 32)),
]);

function isWeak(point) {
  const y = littleEndian(point) & WITHOUT_SIGN;
  return y >= P || SMALL_ORDER.has(y);
}

/** Throws Fault (weak-key) unless these are 32 bytes that the strict rules accept as a key. */
export function checkPublicKey(key) {
  if (key.length !== 32 || isWeak(key)) throw new Fault("weak-key", toHex(key.slice(0, 33)));
}

/** Throws Fault (weak-key, bad-signature) unless `signature` is that of the key on the message. */
export async function verifyEd25519(key, message, signature) {
  checkPublicKey(key);
  if (signature.length !== 64) throw new Fault("bad-signature", toHex(signature));
  if (isWeak(signature.subarray(0, 32))) throw new Fault("weak-key", toHex(signature));
  if (littleEndian(signature.subarray(32)) >= L) throw new Fault("bad-signature", toHex(signature));
  if (!(await equationHolds(key, message, signature))) throw new Fault("bad-signature", toHex(signature));
}

// --- rule 5, by one of two engines ---

async function byWebCrypto(key, message, signature) {
  try {
    const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
  } catch {
    return false; // no browser that knows the algorithm throws for a key that is a point of the curve
  }
}

function byPoints(Point) {
  return async (key, message, signature) => {
    const r = signature.subarray(0, 32);
    let point;
    try {
      point = Point.fromBytes(key);
    } catch {
      return false;
    }
    const h = littleEndian(await sha512(r, key, message)) % L;
    const s = littleEndian(signature.subarray(32));
    // Bytes are compared, so an R that is no point of the curve fails as it does in libsodium.
    return equal(Point.BASE.multiply(s, false).subtract(point.multiply(h, false)).toBytes(), r);
  };
}

/** Does WebCrypto verify a signature that is good, and refuse one that is not? (RFC 8032, section 7.1, test 2) */
async function webCryptoKnowsIt() {
  const key = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", 32);
  const signature = fromHex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    64,
  );
  return (await byWebCrypto(key, utf8("r"), signature)) && !(await byWebCrypto(key, utf8("s"), signature));
}

/** Which engine computes the equation on this page: `webcrypto` or `vendored`. */
export const engine = (await webCryptoKnowsIt()) ? "webcrypto" : "vendored";

const equationHolds =
  engine === "webcrypto" ? byWebCrypto : byPoints((await import("./vendor/noble-ed25519.js")).Point);
