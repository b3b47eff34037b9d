// What a citizen's browser keeps for them: keys and what they signed, in IndexedDB, of this site and this device alone.
//
//   keys    by public key (64 hex)     made and read by keys.js
//   mine    by identity (64 hex)       made and read by mine.js
//
// A browser that refuses to keep anything (some do in private windows) has a shelf in memory, which lasts as long as the
// page: everything works, and `isKept` says so, so that the page can say it too.

const NAME = "constancia";
const STORES = { keys: "key", mine: "identity" };

const ended = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** The database; null where the browser refuses one. Another page may ask for a newer form of it: then we let go. */
function opened() {
  return new Promise((resolve) => {
    let request;
    try {
      request = indexedDB.open(NAME, 1);
    } catch {
      resolve(null);
      return;
    }
    request.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(STORES)) request.result.createObjectStore(name, { keyPath });
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => resolve(null);
    request.onblocked = () => resolve(null);
  });
}

const database = await opened();
const memory = Object.fromEntries(Object.keys(STORES).map((name) => [name, new Map()]));

/** Does what is put here outlive the page? */
export const isKept = database !== null;

/** The record with this key; undefined where there is none. */
export async function get(store, key) {
  return database ? ended(database.transaction(store).objectStore(store).get(key)) : memory[store].get(key);
}

/** Every record of a store. */
export async function all(store) {
  return database ? ended(database.transaction(store).objectStore(store).getAll()) : [...memory[store].values()];
}

/** Keep a record, durably before this returns. Throws where the browser cannot keep such a value. */
export async function put(store, record) {
  await write(store, (shelf) => shelf.put(record), () => memory[store].set(record[STORES[store]], record));
}

export async function remove(store, key) {
  await write(store, (shelf) => shelf.delete(key), () => memory[store].delete(key));
}

/** Keep a record unless one stands there for which `isSame` holds; returns the one that stands in the end. In one
 * transaction, so two pages that ask at once get the same. */
export async function putUnless(store, record, isSame) {
  let kept = (await all(store)).find(isSame);
  if (kept) return kept;
  kept = record;
  await write(store, (shelf) => {
    const request = shelf.getAll();
    request.onsuccess = () => {
      const other = request.result.find(isSame);
      if (other) kept = other;
      else shelf.put(record);
    };
  }, () => memory[store].set(record[STORES[store]], record));
  return kept;
}

function write(store, change, inMemory) {
  if (!database) return inMemory();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, "readwrite", { durability: "strict" });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    try {
      change(transaction.objectStore(store));
    } catch (error) {
      transaction.abort(); // a value that this browser cannot keep
      reject(error);
    }
  });
}
