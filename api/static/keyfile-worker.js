// The slow step of opening a key file, away from the page: OpenSSH's bcrypt_pbkdf, from a passphrase to a key.
//
// Spec: OpenBSD bcrypt_pbkdf(3), by the vendored port of its source. A file of `constancia key new` asks for 32 rounds,
// one of `ssh-keygen` for 24: a second or so on a phone, and the page must go on answering.
//
//     in    {passphrase, salt, rounds, length}          bytes, bytes, number, number of bytes wanted
//     out   {done, of}                                  now and then, how far it has come
//     out   {key}                                       the bytes; then this worker has nothing more to do
//
// The port is a CommonJS file, and stays as it came: it is given the `module` and `require` that it looks for. It hashes
// once for each step that takes time, which is how progress is counted.

import { sha512 } from "./vendor/sha2.js";

let step = () => {};

globalThis.module = {};
globalThis.require = () => ({
  lowlevel: {
    crypto_hash(out, message, length) {
      step();
      out.set(sha512(message.subarray(0, length)));
    },
  },
});
await import("./vendor/bcrypt-pbkdf.js");
const { pbkdf, HASHSIZE } = globalThis.module.exports;

onmessage = ({ data: { passphrase, salt, rounds, length } }) => {
  const of = 1 + Math.ceil(length / HASHSIZE) * rounds;
  let done = 0;
  step = () => postMessage({ done: done++, of });
  const key = new Uint8Array(length);
  pbkdf(passphrase, passphrase.length, salt, salt.length, key, length, rounds);
  passphrase.fill(0);
  postMessage({ key }, [key.buffer]);
};
postMessage({ ready: true });
