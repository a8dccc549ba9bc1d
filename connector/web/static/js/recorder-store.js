/* Sound that has not arrived yet, kept in this browser. In: slices. Out: the same slices, after a reload too.
   Each segment is sealed with a key of its own that no script can read out; it goes when the segment has arrived.
   Nothing of the patient is kept beside it. */

const NAME = "scribe-recorder";
const OLDEST = 7 * 24 * 3600 * 1000; // ms after which nobody will ask for a forgotten segment any more

/** Opens the store; where the browser has none, what is kept lives as long as the page (`lasting` is false). */
export async function openStore() {
  const store = new Store();
  try {
    store.database = await openDatabase();
    await store.clear();
  } catch {
    store.database = null;
  }
  return store;
}

function openDatabase() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("segments", { keyPath: "id" }).createIndex("visit", "visit");
      asked.result.createObjectStore("slices", { keyPath: ["segment", "seq"] });
      asked.result.createObjectStore("visits", { keyPath: "visit" });
    };
    asked.onsuccess = () => {
      asked.result.onversionchange = () => asked.result.close();
      resolve(asked.result);
    };
    asked.onerror = asked.onblocked = () => reject(asked.error ?? new Error("blocked"));
  });
}

class Store {
  constructor() {
    this.database = null;
    this.memory = new Map(); // slices the browser had no room for, by segment and number
    this.segments = new Map();
    this.visits = new Map();
  }

  get lasting() {
    return this.database !== null;
  }

  /** Runs `work` on the stores `names` in one transaction; resolves with the result of the request it returns. */
  async run(names, mode, work) {
    try {
      return await this.once(names, mode, work);
    } catch (error) {
      // The browser closed the database, for instance after an error of its disk.
      if (error?.name !== "InvalidStateError") throw error;
      this.database = await openDatabase();
      return this.once(names, mode, work);
    }
  }

  once(names, mode, work) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(names, mode, { durability: "strict" });
      const asked = work(...[names].flat().map((name) => transaction.objectStore(name)));
      transaction.oncomplete = () => resolve(asked?.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("not kept"));
    });
  }

  /** Removes what nobody has asked for in a week. */
  async clear() {
    for (const segment of await this.run("segments", "readonly", (one) => one.getAll())) {
      if (Date.now() - segment.lastAt > OLDEST) await this.forget(segment);
    }
  }

  /** Begins a segment; `facts` is plain data that is kept with it. Returns it with its own sealing key. */
  async begin(facts) {
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    const segment = { ...facts, id: crypto.randomUUID(), key, count: 0, marks: [], lastAt: Date.now() };
    this.segments.set(segment.id, segment);
    await this.save(segment);
    return segment;
  }

  /** Keeps what has changed of a segment. */
  async save(segment) {
    if (!this.lasting) return;
    await this.run("segments", "readwrite", (one) => one.put(segment)).catch(() => {});
  }

  /** The segments of a visit that have not arrived completely, in their order. */
  async list(visit) {
    const kept = this.lasting ? await this.run("segments", "readonly", (one) => one.index("visit").getAll(visit)) : [];
    for (const segment of kept) if (!this.segments.has(segment.id)) this.segments.set(segment.id, segment);
    return [...this.segments.values()].filter((one) => one.visit === visit).sort((one, other) => one.begunAt - other.begunAt);
  }

  /** Keeps one slice and counts it; its number is its place in the segment. */
  async add(segment, bytes, now) {
    const seq = segment.count;
    const slice = { segment: segment.id, seq, size: bytes.byteLength, ...(await seal(segment, seq, bytes)) };
    segment.count += 1;
    segment.lastAt = now;
    if (this.lasting) {
      const both = (segments, slices) => {
        segments.put(segment);
        return slices.put(slice);
      };
      const kept = await this.run(["segments", "slices"], "readwrite", both).then(() => true, () => false);
      if (kept) return;
    }
    // No room, or no store: it is still sent, as long as this page lives.
    this.memory.set(`${segment.id} ${seq}`, slice);
  }

  /** The first slice of a segment that has not been acknowledged: its number and bytes, or null. */
  async next(segment) {
    const range = () => IDBKeyRange.bound([segment.id, 0], [segment.id, Infinity]);
    const stored = this.lasting ? (await this.run("slices", "readonly", (one) => one.getAll(range(), 1)))[0] : null;
    const spare = [...this.memory.values()].filter((one) => one.segment === segment.id).sort((one, other) => one.seq - other.seq)[0];
    const first = !stored || (spare && spare.seq < stored.seq) ? spare : stored;
    return first ? { seq: first.seq, bytes: await unseal(segment, first) } : null;
  }

  /** How many slices of a segment have not been acknowledged. */
  async waiting(segment) {
    const range = () => IDBKeyRange.bound([segment.id, 0], [segment.id, Infinity]);
    const stored = this.lasting ? await this.run("slices", "readonly", (one) => one.count(range())) : 0;
    return stored + [...this.memory.values()].filter((one) => one.segment === segment.id).length;
  }

  /** An acknowledged slice is not kept any longer. */
  async remove(segment, seq) {
    this.memory.delete(`${segment.id} ${seq}`);
    if (this.lasting) await this.run("slices", "readwrite", (one) => one.delete([segment.id, seq]));
  }

  /** Removes a segment with its slices and its key. */
  async forget(segment) {
    this.segments.delete(segment.id);
    for (const [key, slice] of this.memory) if (slice.segment === segment.id) this.memory.delete(key);
    if (!this.lasting) return;
    await this.run(["segments", "slices"], "readwrite", (segments, slices) => {
      segments.delete(segment.id);
      return slices.delete(IDBKeyRange.bound([segment.id, 0], [segment.id, Infinity]));
    });
  }

  /** What is remembered of a visit between pages: `captured` ms, when the last slice came, whether it rested then. */
  async recall(visit) {
    if (!this.lasting) return this.visits.get(visit) ?? null;
    return (await this.run("visits", "readonly", (one) => one.get(visit)).catch(() => null)) ?? null;
  }

  async remember(visit, facts) {
    this.visits.set(visit, { visit, ...facts });
    if (this.lasting) await this.run("visits", "readwrite", (one) => one.put({ visit, ...facts })).catch(() => {});
  }

  /** Nothing of this visit stays in this browser. */
  async forgetVisit(visit) {
    for (const segment of await this.list(visit)) await this.forget(segment);
    this.visits.delete(visit);
    if (this.lasting) await this.run("visits", "readwrite", (one) => one.delete(visit));
  }
}

const place = (segment, seq) => new TextEncoder().encode(`${segment.id} ${seq}`);

async function seal(segment, seq, bytes) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, sealed: await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: place(segment, seq) }, segment.key, bytes) };
}

function unseal(segment, { iv, seq, sealed }) {
  return crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: place(segment, seq) }, segment.key, sealed);
}
