// Checkpoints: the signed head of a log (origin, number of entries, root), and what witnesses add to it.
//
// Specs: c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature
//
// The text has three lines and no other. The log's own key, whose name is the origin, signs the text; an Ed25519 witness
// signs `cosignature/v1`, `time <seconds>` and the text, and its line holds the time in 8 bytes before the signature.

import { Fault, MAX_DECIMAL, bigEndian, fromBase64, fromDecimal, utf8 } from "./bytes.js";
import { verifyEd25519 } from "./ed25519.js";
import { ED25519, checkName, knownLines, parseNote, verifyLine } from "./note.js";

/** `{origin, size, root, note}` of a checkpoint, none of its lines verified. Throws Fault. */
export function parseCheckpoint(raw) {
  const note = parseNote(raw);
  const lines = note.text.split("\n");
  if (lines.length < 4) throw new Fault("shape", note.text);
  const [origin, size, root] = lines;
  checkName(origin);
  const checkpoint = { origin, size: fromDecimal(size), root: fromBase64(root, 32), note };
  // Further lines are allowed by the spec, and refused here: those who cosign say nothing about them.
  if (lines.length > 4) throw new Fault("extension", lines[3]);
  return checkpoint;
}

/** The trusted keys of the log that signed, at least one; `verifiers` may be of any origins.
 * Throws Fault (unknown-origin, not-signed, weak-key, bad-signature). */
export async function verifyLogLines(checkpoint, verifiers) {
  const keys = verifiers.filter((one) => one.name === checkpoint.origin && one.type === ED25519);
  if (keys.length === 0) throw new Fault("unknown-origin", checkpoint.origin);
  const known = knownLines(checkpoint.note, keys);
  if (known.length === 0) throw new Fault("not-signed", checkpoint.origin);
  for (const { verifier, line } of known) await verifyLine(verifier, checkpoint.note.text, line);
  return [...new Set(known.map(({ verifier }) => verifier))];
}

/** The time of an Ed25519 witness's line in POSIX seconds (BigInt), if the witness made it for this checkpoint.
 * Throws Fault (weak-key, bad-signature). */
export async function verifyCosignature(verifier, checkpoint, line) {
  const time = bigEndian(line.signature.subarray(0, 8));
  if (time > MAX_DECIMAL || time === 0n) throw new Fault("bad-signature", line.written);
  const message = utf8(`cosignature/v1\ntime ${time}\n${checkpoint.note.text}`);
  await verifyEd25519(verifier.key, message, line.signature.subarray(8));
  return time;
}
