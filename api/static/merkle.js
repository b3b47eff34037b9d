// The Merkle tree: proofs that an entry is in it, and that it has only grown.
//
// Specs: RFC 6962 section 2.1; RFC 9162 sections 2.1.3.2 and 2.1.4.2
//
//   leaf = SHA-256(0x00 ‖ entry)        node = SHA-256(0x01 ‖ left ‖ right)
//
// Indexes and sizes are BigInt: a tree may have 2^63 - 1 leaves. Checks throw Fault (inconsistent); they do not answer.

import { Fault, equal, sha256 } from "./bytes.js";

const HASH_SIZE = 32;

export const leafHash = (entry) => sha256(Uint8Array.of(0), entry);
export const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

function checkLengths(...hashes) {
  if (hashes.some((hash) => hash.length !== HASH_SIZE)) throw new Fault("inconsistent", "length");
}

/** Throws unless `proof` leads from the leaf hash at `index` to the root of the tree of `size` leaves. */
export async function checkInclusion(leaf, index, size, proof, root) {
  checkLengths(leaf, root, ...proof);
  if (index < 0n || index >= size) throw new Fault("inconsistent", `${index} / ${size}`);
  let first = index;
  let second = size - 1n;
  let computed = leaf;
  for (const sibling of proof) {
    if (second === 0n) throw new Fault("inconsistent", "+");
    if (first & 1n || first === second) {
      computed = await nodeHash(sibling, computed);
      while (first !== 0n && !(first & 1n)) {
        first >>= 1n;
        second >>= 1n;
      }
    } else {
      computed = await nodeHash(computed, sibling);
    }
    first >>= 1n;
    second >>= 1n;
  }
  if (second !== 0n) throw new Fault("inconsistent", "-");
  if (!equal(computed, root)) throw new Fault("inconsistent", "≠");
}

/** Throws unless the tree of `newSize` leaves is that of `oldSize` leaves, grown. */
export async function checkConsistency(oldSize, oldRoot, newSize, newRoot, proof) {
  checkLengths(oldRoot, newRoot, ...proof);
  if (oldSize < 0n || oldSize > newSize) throw new Fault("inconsistent", `${oldSize} / ${newSize}`);
  if (oldSize === 0n || oldSize === newSize) {
    const before = oldSize === 0n ? await sha256() : newRoot;
    if (proof.length || !equal(oldRoot, before)) throw new Fault("inconsistent", "≠");
    if (newSize === 0n && !equal(newRoot, before)) throw new Fault("inconsistent", "≠");
    return;
  }
  if (proof.length === 0) throw new Fault("inconsistent", "-");
  const path = (oldSize & (oldSize - 1n)) === 0n ? [oldRoot, ...proof] : proof;
  let first = oldSize - 1n;
  let second = newSize - 1n;
  while (first & 1n) {
    first >>= 1n;
    second >>= 1n;
  }
  let [before] = path;
  let after = before;
  for (const sibling of path.slice(1)) {
    if (second === 0n) throw new Fault("inconsistent", "+");
    if (first & 1n || first === second) {
      before = await nodeHash(sibling, before);
      after = await nodeHash(sibling, after);
      while (first !== 0n && !(first & 1n)) {
        first >>= 1n;
        second >>= 1n;
      }
    } else {
      after = await nodeHash(after, sibling);
    }
    first >>= 1n;
    second >>= 1n;
  }
  if (second !== 0n) throw new Fault("inconsistent", "-");
  if (!equal(before, oldRoot) || !equal(after, newRoot)) throw new Fault("inconsistent", "≠");
}
