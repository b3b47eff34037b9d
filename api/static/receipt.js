// Receipts: a proof file with the entry in it, checked step by step by what its reader trusts.
//
// Spec: c2sp.org/tlog-proof. The twin of `verify_receipt` in ledger/verify.py: the same verdict for the same bytes.
//
//   c2sp.org/tlog-proof@v1
//   extra <base64 of the entry>
//   index <decimal>
//   <base64 hash>                     the leaf's sibling first
//                                     (empty line)
//   <checkpoint with its signatures>
//
// The verdict is the kind of the first step that breaks; the steps behind it are tried all the same, as far as there is
// something to try, so that a reader sees what holds. The order is that of the offline tool.

import { Fault, fromBase64, fromDecimal, strictUtf8, toBase64, toHex, utf8 } from "./bytes.js";
import { parseCheckpoint, verifyLogLines } from "./checkpoint.js";
import { checkInclusion, leafHash } from "./merkle.js";
import { cosignaturesOf } from "./policy.js";
import { identityOf, parseEntry, readStatement, verifySigners } from "./statement.js";

const HEADER = "c2sp.org/tlog-proof@v1";
const MAX_HASHES = 63;
const MAX_SIZE = 2_000_000;

/** What a file is that people take for a receipt: `empty-file`, `not-a-receipt`, or `line-ends` for one that a mail
 * program or an editor wrote again with other line ends or a byte order mark; undefined for what may be a receipt. */
export function oddityOf(raw) {
  const text = new TextDecoder("latin1").decode(raw.subarray(0, MAX_SIZE)); // a byte a character
  if (text === "") return "empty-file";
  if (!/^(?:\xef\xbb\xbf)?c2sp\.org\/tlog-proof/.test(text)) return "not-a-receipt";
  return text.startsWith("\xef\xbb\xbf") || text.includes("\r\n") ? "line-ends" : undefined;
}

/** `{index, hashes, checkpoint, extra}` of a proof file; nothing in it is verified.
 * Throws Fault (empty, too-large, bad-utf8, shape, encoding). */
export function parseProof(raw) {
  if (raw.length === 0) throw new Fault("empty");
  if (raw.length > MAX_SIZE) throw new Fault("too-large", raw.length);
  const whole = strictUtf8(raw);
  const cut = whole.indexOf("\n\n");
  const checkpoint = whole.slice(cut + 2);
  if (cut < 0 || checkpoint === "") throw new Fault("shape");
  const [header, ...lines] = whole.slice(0, cut).split("\n");
  if (header !== HEADER) throw new Fault("shape", header);
  const extra = lines[0]?.startsWith("extra ") ? fromBase64(lines.shift().slice("extra ".length)) : undefined;
  const index = lines.shift();
  if (!index?.startsWith("index ")) throw new Fault("shape", index);
  if (lines.length > MAX_HASHES) throw new Fault("too-large", lines.length);
  return {
    extra,
    index: fromDecimal(index.slice("index ".length)),
    hashes: lines.map((line) => fromBase64(line, 32)),
    checkpoint,
  };
}

const KINDS = {
  "unknown-origin": "foreign-checkpoint",
  "not-signed": "foreign-checkpoint",
  "not-cosigned": "not-cosigned",
};
const headKind = (reason) => KINDS[reason] ?? "bad-receipt";

/** Steps, each `{name, state, reason, evidence, bytes}`: `state` is ok, broken or untried, `bytes` what was looked at. */
class Steps {
  list = [];
  kind = null;

  /** Do one step; what it returns, or undefined where it broke or lacked what it needs. */
  async take(name, kindOf, needed, bytes, work) {
    const step = { name, state: "untried", reason: null, evidence: "", bytes: "" };
    this.list.push(step);
    if (needed.some((one) => one === undefined)) return undefined;
    step.bytes = bytes();
    try {
      const found = await work();
      step.state = "ok";
      return found;
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      Object.assign(step, { state: "broken", reason: fault.reason, evidence: fault.evidence });
      this.kind ??= kindOf(fault.reason);
      return undefined;
    }
  }
}

const always = (kind) => () => kind;

/** Check a receipt's bytes by a policy. Returns `{kind, steps, proof, checkpoint, logKeys, witnesses, entry, opened,
 * identity}`: `kind` is null where everything holds, or bad-receipt, foreign-checkpoint, not-cosigned, bad-entry,
 * bad-statement; the rest is undefined where it was not reached. */
export async function verifyReceipt(raw, policy) {
  const steps = new Steps();
  const proof = await steps.take("file", always("bad-receipt"), [], () => `${raw.length}`, () => {
    const found = parseProof(raw);
    if (found.extra === undefined) throw new Fault("shape", "extra");
    return found;
  });
  const checkpoint = await steps.take("checkpoint", headKind, [proof], () => proof.checkpoint, () =>
    parseCheckpoint(utf8(proof.checkpoint)),
  );
  const logKeys = await steps.take("log", headKind, [checkpoint], () => checkpoint.note.text, () =>
    verifyLogLines(checkpoint, policy.logs),
  );
  let witnesses;
  await steps.take("witnesses", headKind, [logKeys], () => written(checkpoint.note.lines), async () => {
    witnesses = await cosignaturesOf(policy, checkpoint);
    if (!witnesses.reached) throw new Fault("not-cosigned");
  });
  await steps.take("inclusion", headKind, [proof, checkpoint], () => pathOf(proof), async () =>
    checkInclusion(await leafHash(proof.extra), proof.index, checkpoint.size, proof.hashes, checkpoint.root),
  );
  const received = () => legible(proof.extra.subarray(0, 24));
  const entry = await steps.take("entry", always("bad-entry"), [proof], received, () => parseEntry(proof.extra));
  const badStatement = always("bad-statement");
  const opened = await steps.take("statement", badStatement, [entry, checkpoint], () => legible(entry.note), () =>
    readStatement(entry.note, checkpoint.origin),
  );
  await steps.take("signers", badStatement, [opened], () => written(opened.lines), () =>
    verifySigners(opened, checkpoint.origin),
  );
  const identity = opened && (await identityOf(opened.text));
  return { kind: steps.kind, steps: steps.list, proof, checkpoint, logKeys, witnesses, entry, opened, identity };
}

const written = (lines) => lines.map((line) => line.written).join("\n");
const pathOf = ({ index, hashes }) => [`index ${index}`, ...hashes.map(toBase64)].join("\n");

/** Bytes as text where they are text, else in hexadecimal. */
function legible(bytes) {
  try {
    return strictUtf8(bytes);
  } catch {
    return toHex(bytes);
  }
}
