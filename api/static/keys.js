// A citizen's keys: made by the browser, kept in the browser, shown to nobody.
//
// Ed25519 (RFC 8032), one fresh key for each round of consultation, because a key that comes back tells that two texts
// are by one person. Inside its round it is used again: with it its owner withdraws, endorses and appeals.
//
// Which engine signs is found out by doing (make a key, keep it, take it out again, sign, verify by our own strict
// rules), never by the browser's name:
//
//   webcrypto   the browser's own; the private half cannot leave it, not even for scripts of this page
//   vendored    @noble/ed25519, which came with this page: scripts can see the private half, so it is weaker
//   none        the page came over plain http, where browsers give no cryptography, and anybody on the way could have
//               changed these very scripts: nothing is signed here

import { fromHex, toHex, utf8 } from "./bytes.js";
import { verifyEd25519 } from "./ed25519.js";
import * as shelf from "./shelf.js";

export { isKept } from "./shelf.js";

const subtle = globalThis.crypto?.subtle;
const PROBE = "probe ";

/** Which engine signs on this page; asked once. */
export const engine = await (async () => {
  if (!subtle) return "none";
  return (await works(makeByWebCrypto)) ? "webcrypto" : "vendored";
})();

async function makeByWebCrypto() {
  const pair = await subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
  return { key: toHex(new Uint8Array(await subtle.exportKey("raw", pair.publicKey))), held: pair.privateKey };
}

async function makeByVendored() {
  const { getPublicKeyAsync, utils } = await import("./vendor/noble-ed25519.js");
  const held = utils.randomSecretKey();
  return { key: toHex(await getPublicKeyAsync(held)), held };
}

/** Can a key be made, kept, taken out again and signed with? */
async function works(make) {
  const place = PROBE + toHex(crypto.getRandomValues(new Uint8Array(8))); // another page may try at the same time
  try {
    const { key, held } = await make();
    await shelf.put("keys", { key: place, held });
    const kept = await shelf.get("keys", place);
    await verifyEd25519(fromHex(key, 32), utf8(PROBE), await signature(kept.held, utf8(PROBE)));
    return true;
  } catch {
    return false;
  } finally {
    await shelf.remove("keys", place).catch(() => {});
  }
}

async function signature(held, bytes) {
  if (!(held instanceof Uint8Array)) return new Uint8Array(await subtle.sign({ name: "Ed25519" }, held, bytes));
  const { signAsync } = await import("./vendor/noble-ed25519.js");
  return signAsync(bytes, held);
}

const signer = ({ key, held, scope, made }) => ({ key, scope, made, sign: (bytes) => signature(held, bytes) });

/** The key of a scope (a ledger's origin and a round), made now if there is none: `{key, scope, made, sign}`. */
export async function keyFor(scope) {
  const known = (await kept()).find((one) => one.scope === scope);
  if (known) return signer(known);
  const { key, held } = await (engine === "webcrypto" ? makeByWebCrypto() : makeByVendored());
  const fresh = { key, held, scope, made: new Date().toISOString() };
  return signer(await shelf.putUnless("keys", fresh, (one) => one.scope === scope));
}

/** The signer of a public key, if this browser holds its private half. */
export async function holderOf(key) {
  const found = (await kept()).find((one) => one.key === key);
  return found && signer(found);
}

/** Every key of this browser, without its private half: `{key, scope, made}`. */
export const allKeys = async () => (await kept()).map(({ key, scope, made }) => ({ key, scope, made }));

/** Destroy the private half of a key. What it signed stays signed. */
export const forgetKey = (key) => shelf.remove("keys", key);

const kept = async () => (await shelf.all("keys")).filter(({ key }) => !key.startsWith(PROBE));
