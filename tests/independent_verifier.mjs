// A second reader of published ledgers, in another language and from ledger/FORMAT.md and the public specifications
// alone: it shares no line with the auditor. Needs Node 18 or newer and nothing else.
//
//     node independent_verifier.mjs PUBLIC_FOLDER POLICY [FOUNDING]
//
// Prints what it established as one JSON object and ends with 0; or says what is wrong, and ends with 1. It proves the
// signed head and its quorum of witnesses, every cosigned head that is kept, the tree, every statement's form and
// signatures, and every published text. Not the rulebook, and it judges Ed25519 as OpenSSL does, which takes some weak
// keys that the strict rules refuse.

import { createHash, createPublicKey, verify } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
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

const keyId = (name, key, type = 0x01) => sha256(Buffer.from(name), Buffer.from([LF, type]), key).subarray(0, 4);

function isSignedBy(key, text, signature) {
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), key]);
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
  return signature.length === 64 && verify(null, text, publicKey, signature);
}

function parseVkey(vkey, type = 0x01) {
  const [, name, id, encoded] = /^([^ +]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey) ?? [];
  need(name, `not a verifier key: ${vkey}`);
  const blob = base64(encoded, 33);
  need(blob[0] === type, "not a key of the type that belongs here");
  const key = blob.subarray(1);
  need(keyId(name, key, type).toString("hex") === id, "the key id is not that of the key");
  return { name, key };
}

// --- whom a reader trusts (c2sp.org/tlog-policy), and what witnesses add (c2sp.org/tlog-cosignature) ---

const COSIGNATURE = 0x04;

function parsePolicy(text) {
  const policy = { logs: [], witnesses: new Map(), groups: [], quorum: undefined };
  need(text.endsWith("\n"), "the last line of the policy does not end");
  for (const line of text.slice(0, -1).split("\n")) {
    const [keyword, ...rest] = line.split(/[ \t]+/).filter((word) => word);
    if (keyword === undefined || keyword.startsWith("#")) continue;
    const known = (name) => policy.witnesses.has(name) || policy.groups.some((group) => group.name === name);
    if (keyword === "log") policy.logs.push(parseVkey(rest[0]));
    else if (keyword === "witness") policy.witnesses.set(rest[0], parseVkey(rest[1], COSIGNATURE));
    else if (keyword === "group") {
      const [name, threshold, ...members] = rest;
      need(members.length > 0 && members.every(known), `the group ${name} has members that are not defined`);
      const least = threshold === "all" ? members.length : threshold === "any" ? 1 : Number(threshold);
      policy.groups.push({ name, least, members });
    } else if (keyword === "quorum") {
      need(policy.quorum === undefined && (rest[0] === "none" || known(rest[0])), "not a quorum");
      policy.quorum = rest[0];
    } else need(false, `not a line of a policy: ${line.slice(0, 40)}`);
  }
  need(policy.logs.length > 0 && policy.quorum !== undefined, "the policy names no log or no quorum");
  return policy;
}

// The witnesses of the policy that cosigned a head. A line of one of them that fails refuses the whole head.
function cosigners(policy, head) {
  const found = new Set();
  for (const [name, witness] of policy.witnesses) {
    for (const line of head.lines) {
      if (line.name !== witness.name || !line.keyId.equals(keyId(witness.name, witness.key, COSIGNATURE))) continue;
      const time = line.signature.subarray(0, 8).readBigUInt64BE();
      const message = Buffer.concat([Buffer.from(`cosignature/v1\ntime ${time}\n`), head.text]);
      need(time > 0n && isSignedBy(witness.key, message, line.signature.subarray(8)), "a cosignature fails");
      found.add(name);
    }
  }
  return found;
}

function isQuorum(policy, names) {
  const reached = new Set(names);
  for (const { name, least, members } of policy.groups) {
    if (members.filter((member) => reached.has(member)).length >= least) reached.add(name);
  }
  return policy.quorum === "none" || reached.has(policy.quorum);
}

// --- heads that were cosigned and are kept (FORMAT.md, "Published files"): u32 length, note, by the day ---

function* keptHeads(folder) {
  const days = join(folder, "checkpoints");
  for (const day of existsSync(days) ? readdirSync(days).sort() : []) {
    const raw = readFileSync(join(days, day));
    for (let at = 0; at + 4 <= raw.length; ) {
      const end = at + 4 + raw.readUInt32BE(at);
      if (end > raw.length) break; // torn, as a crash leaves it
      yield { day, head: openNote(raw.subarray(at + 4, end)) };
      at = end;
    }
  }
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

// The salted digests of the contents that a statement brings.
function broughtBy(statement) {
  const people = (statement.present ?? []).map(({ person }) => person);
  return [statement.salted_digest, statement.words?.salted_digest, statement.person, ...people].filter(Boolean);
}

// What stands of every content after all entries: who erased, withdrew, replaced, withheld or redacted it.
function standingOf(statements) {
  const standing = new Map();
  const family = (content) => [content, ...content.below.flatMap(family)];
  for (const { index, identity, statement } of statements) {
    const by = { index, digest: identity };
    const { statement: named, salted_digest: digest } = statement.target ?? {};
    const target = standing.get(`${named}/${digest}`);
    if (target && statement.kind === "ContentWithheld") target.moderated = { ...by, only: true };
    if (target && statement.kind === "ContentRedacted") target.moderated = by;
    if (target && statement.kind === "ContentRestored") {
      target.moderated = undefined;
      for (const shorter of family(target).slice(1)) shorter.replaced = by;
    }
    if (target && statement.kind === "ContentErased") for (const each of family(target)) each.erased ??= by;
    if (statement.kind === "StatementWithdrawn") {
      const taken = [...standing.values()].filter((each) => each.comment === statement.statement);
      for (const each of taken.flatMap(family)) each.withdrawn ??= by;
    }
    for (const brought of broughtBy(statement)) {
      const comment = ["CommentSubmitted", "CommentTranscribed"].includes(statement.kind) ? identity : undefined;
      const shorter = statement.kind === "ContentRedacted" ? target : undefined;
      const content = { comment, below: [], withdrawn: shorter?.withdrawn };
      standing.set(`${identity}/${brought}`, content);
      shorter?.below.push(content);
    }
  }
  return standing;
}

// Whether a line says what stands: a text where nothing keeps it from view, else the marker of what does.
function isRight(by, { erased, withdrawn, replaced, moderated }) {
  const stands = erased ?? withdrawn ?? replaced ?? moderated;
  const isThis = (act) => act !== undefined && act.index === by.index && act.digest === by.digest;
  // Of what is withheld and then withdrawn, early ledgers kept the first marker.
  return by ? isThis(stands) || (stands === withdrawn && moderated?.only && isThis(moderated)) : !stands;
}

function checkContents(folder, statements, origin) {
  const counts = { shown: 0, hidden: 0 };
  const standing = standingOf(statements);
  for (let bundle = 0; bundle * 256 < statements.length; bundle += 1) {
    const path = join(folder, "contents", tilePath(bundle));
    const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
    const seen = new Set();
    for (const line of lines) {
      const { index, salt, salted_digest: digest, content, by } = openCanonical(Buffer.from(line));
      const { statement, identity } = statements[index];
      need(broughtBy(statement).includes(digest), `entry ${index} does not bring ${digest}`);
      seen.add(`${identity}/${digest}`);
      const stands = standing.get(`${identity}/${digest}`);
      if (by) {
        need(isRight(by, stands), `entry ${by.index} is not what keeps ${digest} from view`);
        counts.hidden += 1;
        continue;
      }
      need(isRight(undefined, stands), `the text of entry ${index} is shown, and was taken from view`);
      const bound = [`constancia/content/v1\n`, Buffer.from(salt, "hex"), `${origin}\n${statement.by[0].key}\n`];
      need(sha256(...bound, canonical(content)).toString("hex") === digest, `the text of entry ${index} was altered`);
      counts.shown += 1;
    }
    for (const { statement, identity, index } of statements.slice(bundle * 256, bundle * 256 + 256)) {
      const missing = broughtBy(statement).some((digest) => !seen.has(`${identity}/${digest}`));
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

// Every cosigned head that is kept is of this very tree, as it was at that size; returns how many there are.
function checkKept(folder, policy, origin, leaves, statements) {
  let count = 0;
  for (const { day, head } of keptHeads(folder)) {
    const [name, size, root, end] = head.text.toString().split("\n");
    need(end === "" && name === origin && /^[1-9][0-9]*$/.test(size), `checkpoints/${day}: not a head of this log`);
    need(Number(size) <= leaves.length, `checkpoints/${day}: a head of more entries than there are`);
    need(rootOf(leaves.slice(0, Number(size))).equals(base64(root, 32)), `checkpoints/${day}: another history`);
    const keys = logKeysAt(statements, Number(size));
    need(keys.some((key) => signedHead(head, origin, key)), `checkpoints/${day}: not signed by the log`);
    cosigners(policy, head);
    count += 1;
  }
  return count;
}

function verifyLedger(folder, policyFile, founding) {
  const policy = parsePolicy(readFileSync(policyFile, "utf8"));
  const head = openNote(readFileSync(join(folder, "checkpoint")));
  const [origin, size, root, end] = head.text.toString().split("\n");
  need(end === "" && /^[1-9][0-9]*$/.test(size), "not a checkpoint");
  const trusted = policy.logs.filter(({ name }) => name === origin);
  need(trusted.length > 0, "the checkpoint is another ledger's");
  const signers = trusted.filter(({ key }) => signedHead(head, origin, key));
  need(signers.length > 0, "the trusted key did not sign the checkpoint");
  const witnesses = cosigners(policy, head);
  need(isQuorum(policy, witnesses), "not enough witnesses cosigned the checkpoint");

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
  const kept = checkKept(folder, policy, origin, leaves, statements);
  const { shown, hidden } = checkContents(folder, statements, origin);
  return {
    origin,
    size: leaves.length,
    root: rootOf(leaves).toString("hex"),
    founding: statements[0].identity,
    identities: statements.map(({ identity }) => identity),
    signatures,
    witnesses: [...witnesses].sort(),
    kept,
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
