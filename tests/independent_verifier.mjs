// A second reader of published ledgers, in another language and from ledger/FORMAT.md and the public specifications
// alone: it shares no line with the auditor. Needs Node 18 or newer and nothing else.
//
//     node independent_verifier.mjs PUBLIC_FOLDER POLICY [FOUNDING]
//
// Prints what it established as one JSON object and ends with 0; or says what is wrong, and ends with 1. It proves the
// signed head, the tree, every statement's form and signatures, and every published text. Not the rulebook, and it
// judges Ed25519 as OpenSSL does, which takes some weak keys that the strict rules refuse.

import { createHash, createPublicKey, verify } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const LF = 0x0a;

class Fault extends Error {}

function need(condition, what) {
  if (!condition) throw new Fault(what);
}

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

// --- signed notes (c2sp.org/signed-note): text, empty line, lines of name and base64(key id, signature) ---

function base64(text, length) {
  const raw = Buffer.from(text, "base64");
  need(raw.toString("base64") === text, `base64 in another than its one form: ${text.slice(0, 60)}`);
  need(length === undefined || raw.length === length, `base64 of ${raw.length} bytes, not ${length}`);
  return raw;
}

function openNote(raw) {
  const cut = raw.lastIndexOf("\n\n");
  need(cut > 0 && raw[raw.length - 1] === LF, "not a signed note");
  const lines = raw.subarray(cut + 2, raw.length - 1).toString("utf8").split("\n");
  return {
    text: raw.subarray(0, cut + 1),
    lines: lines.map((line) => {
      const found = /^— ([^ +]+) ([A-Za-z0-9+/=]+)$/.exec(line);
      need(found, `not a signature line: ${line.slice(0, 80)}`);
      const blob = base64(found[2]);
      return { name: found[1], keyId: blob.subarray(0, 4), signature: blob.subarray(4) };
    }),
  };
}

const keyId = (name, key) => sha256(Buffer.from(name), Buffer.from([LF, 0x01]), key).subarray(0, 4);

function isSignedBy(key, text, signature) {
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), key]);
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
  return signature.length === 64 && verify(null, text, publicKey, signature);
}

function parseVkey(vkey) {
  const [, name, id, encoded] = /^([^ +]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey) ?? [];
  need(name, `not a verifier key: ${vkey}`);
  const blob = base64(encoded, 33);
  need(blob[0] === 0x01, "not an Ed25519 key");
  const key = blob.subarray(1);
  need(keyId(name, key).toString("hex") === id, "the key id is not that of the key");
  return { name, key };
}

// --- tree (RFC 6962, section 2.1) and tiles (c2sp.org/tlog-tiles) ---

const leafHash = (entry) => sha256(Buffer.from([0]), entry);
const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);

function rootOf(leaves) {
  const stack = []; // subtrees from left to right, each of twice the size of the next or more
  for (const leaf of leaves) {
    stack.push({ size: 1, hash: leaf });
    while (stack.length > 1 && stack.at(-1).size === stack.at(-2).size) {
      const right = stack.pop();
      const left = stack.pop();
      stack.push({ size: left.size * 2, hash: nodeHash(left.hash, right.hash) });
    }
  }
  return stack.reduceRight((right, left) => (right ? nodeHash(left.hash, right) : left.hash), null);
}

function tilePath(index) {
  let path = String(index % 1000).padStart(3, "0");
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${String(rest % 1000).padStart(3, "0")}/${path}`;
  }
  return path;
}

function* entriesOf(folder, size) {
  for (let bundle = 0; bundle * 256 < size; bundle += 1) {
    const width = Math.min(256, size - bundle * 256);
    const whole = join(folder, "tile/entries", tilePath(bundle));
    const path = width < 256 && existsSync(`${whole}.p/${width}`) ? `${whole}.p/${width}` : whole;
    need(existsSync(path), `missing: ${path}`);
    const raw = readFileSync(path);
    let at = 0;
    for (let number = 0; number < width; number += 1) {
      const length = raw.readUInt16BE(at);
      need(at + 2 + length <= raw.length, `${path}: record ${number} is cut off`);
      yield raw.subarray(at + 2, at + 2 + length);
      at += 2 + length;
    }
  }
}

// --- ours: canonical JSON, statements, entries, contents (FORMAT.md) ---

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  need(typeof value === "string" || typeof value === "boolean" || Number.isSafeInteger(value), `not for us: ${value}`);
  return JSON.stringify(value);
}

function openCanonical(raw) {
  const value = JSON.parse(raw.toString("utf8"));
  need(Buffer.from(canonical(value)).equals(raw), "JSON in other bytes than its one form");
  return value;
}

function openStatement(note, origin) {
  const { text, lines } = openNote(note);
  const cut = text.indexOf(LF);
  need(text.subarray(0, cut).toString() === origin, "signed for another ledger");
  need(text.indexOf(LF, cut + 1) === text.length - 1, "a statement has two lines");
  const statement = openCanonical(text.subarray(cut + 1, text.length - 1));
  need(lines.length === statement.by.length, "not one line for each signer");
  statement.by.forEach((signer, number) => {
    const key = Buffer.from(signer.key, "hex");
    const name = `${origin}/k/${sha256(key).toString("hex").slice(0, 32)}`;
    const line = lines[number];
    need(line.name === name && line.keyId.equals(keyId(name, key)), `line ${number} is not of ${signer.key}`);
    need(isSignedBy(key, text, line.signature), `the signature of ${signer.key} does not verify`);
  });
  return { statement, identity: sha256(text).toString("hex") };
}

function checkContents(folder, statements, origin) {
  const counts = { shown: 0, hidden: 0 };
  for (let bundle = 0; bundle * 256 < statements.length; bundle += 1) {
    const path = join(folder, "contents", tilePath(bundle));
    const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
    const seen = new Set();
    for (const line of lines) {
      const { index, salt, salted_digest: digest, content, by } = openCanonical(Buffer.from(line));
      const { statement } = statements[index];
      need(canonical(statement).includes(`"${digest}"`), `entry ${index} does not bring ${digest}`);
      seen.add(digest);
      if (by) {
        need(statements[by.index]?.identity === by.digest, `entry ${by.index} is not what took ${digest} from view`);
        counts.hidden += 1;
        continue;
      }
      const bound = [`constancia/content/v1\n`, Buffer.from(salt, "hex"), `${origin}\n${statement.by[0].key}\n`];
      need(sha256(...bound, canonical(content)).toString("hex") === digest, `the text of entry ${index} was altered`);
      counts.shown += 1;
    }
    for (const { statement, index } of statements.slice(bundle * 256, bundle * 256 + 256)) {
      const missing = statement.kind.startsWith("Comment") && statement.salted_digest && !seen.has(statement.salted_digest);
      need(!missing, `entry ${index}: neither text nor marker`);
    }
  }
  return counts;
}

// Whether a key of the log signed a head; a line of it that fails refuses the whole head.
function signedHead(head, origin, key) {
  const own = head.lines.find((line) => line.name === origin && line.keyId.equals(keyId(origin, key)));
  need(!own || isSignedBy(key, head.text, own.signature), "a signature under the checkpoint fails");
  return own !== undefined;
}

// The log keys in force at a size: those of the founding, and what each rotation below it put in the place of one.
function logKeysAt(statements, size) {
  const keys = new Set(statements[0].statement.log_keys);
  for (const { index, statement } of statements) {
    if (statement.kind === "LogKeyRotated" && index < size) {
      keys.delete(statement.old);
      keys.add(statement.new);
    }
  }
  return [...keys].map((key) => Buffer.from(key, "hex"));
}

function verifyLedger(folder, policyFile, founding) {
  const logs = [...readFileSync(policyFile, "utf8").matchAll(/^log (.+)$/gm)].map(([, vkey]) => parseVkey(vkey));
  need(logs.length > 0, "the policy names no log");
  const head = openNote(readFileSync(join(folder, "checkpoint")));
  const [origin, size, root, end] = head.text.toString().split("\n");
  need(end === "" && /^[1-9][0-9]*$/.test(size), "not a checkpoint");
  const trusted = logs.filter(({ name }) => name === origin);
  need(trusted.length > 0, "the checkpoint is another ledger's");
  const signers = trusted.filter(({ key }) => signedHead(head, origin, key));
  need(signers.length > 0, "the trusted key did not sign the checkpoint");

  const leaves = [];
  const statements = [];
  let signatures = 0;
  let last = "";
  for (const entry of entriesOf(folder, Number(size))) {
    const index = leaves.length;
    try {
      const received = entry.subarray(0, 24).toString();
      need(new Date(received).toISOString() === received && entry[24] === LF, "not a received time");
      need(received >= last, "received before the entry that precedes it");
      last = received;
      const opened = openStatement(entry.subarray(25), origin);
      signatures += opened.statement.by.length;
      statements.push({ index, ...opened });
    } catch (error) {
      throw new Fault(`entry ${index}: ${error.message}`);
    }
    leaves.push(leafHash(entry));
  }
  need(rootOf(leaves).equals(base64(root, 32)), "the entries do not give the root that was signed");
  need(statements[0].statement.kind === "LedgerOpened", "the first entry founds no ledger");
  need(!founding || statements[0].identity === founding, "another founding statement than the one that was pinned");
  const inForce = logKeysAt(statements, Number(size));
  need(inForce.some((key) => signedHead(head, origin, key)), "the log key in force did not sign the checkpoint");
  const { shown, hidden } = checkContents(folder, statements, origin);
  return {
    origin,
    size: leaves.length,
    root: rootOf(leaves).toString("hex"),
    founding: statements[0].identity,
    identities: statements.map(({ identity }) => identity),
    signatures,
    shown,
    hidden,
  };
}

const [folder, policyFile, founding] = process.argv.slice(2);
if (!folder || !policyFile) {
  console.error("usage: node independent_verifier.mjs PUBLIC_FOLDER POLICY [FOUNDING]");
  process.exit(2);
}
try {
  console.log(JSON.stringify(verifyLedger(folder, policyFile, founding)));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
