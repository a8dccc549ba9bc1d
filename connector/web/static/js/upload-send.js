/* The way of one file to the service: numbered parts with digests, each sent until it is acknowledged. After a reload the
   same file goes on where it stopped. The file never leaves this page but to the service. */

import { say } from "./shell.js";
import { Problem, send } from "./wire.js";

const PART = 1024 * 1024;
const BROKEN_OFF = 30; // s without a part after which a file is not on its way any more
const PAUSES = [1000, 2000, 4000, 8000, 15000];

/** The pieces of this visit's sound that are under way, newest first. */
export async function listPieces() {
  return (await send("GET", "recordings")).recordings;
}

/** Whether a piece is a file of which only a part has arrived. */
export const isInterrupted = (piece) => piece.source === "file" && piece.state === "open" && piece.chunks.length > 0;

/** Sends one file; `more`: others of the same visit follow, so that it does not finish the recording. `twoSided`: its first
    channel is the clinician's, its second the other side's. */
export async function sendFile(file, { signal, meter, more, twoSided }) {
  const pieces = (await listPieces().catch(() => [])).filter(isInterrupted);
  const target = (await resume(file, pieces)) ?? (await start(twoSided));
  if (!more) await letGo(pieces.filter((one) => one.recording_id !== target.id));
  const count = Math.ceil(file.size / target.part);
  meter.begin([...target.held.values()].reduce((sum, size) => sum + size, 0));
  for (let seq = 0; seq < count; seq += 1) {
    if (target.held.has(seq)) continue;
    const bytes = await file.slice(seq * target.part, (seq + 1) * target.part).arrayBuffer();
    await sendPart(target, seq, bytes, { signal, meter });
    meter.add(bytes.byteLength);
  }
  meter.finish();
  await send("POST", `recordings/${target.id}/close`, { json: { chunks: count, more } });
}

async function start(twoSided) {
  const opened = await send("POST", "recordings", { json: { source: "file", two_sided: Boolean(twoSided) } });
  rememberBegun(opened.recording_id);
  return { id: opened.recording_id, token: opened.upload_token, part: opened.chunk_bytes || PART, held: new Map() };
}

/** Which pieces this tab began, after a reload too. */
function rememberBegun(id) {
  try {
    sessionStorage.setItem(`scribe-begun ${id}`, "1");
  } catch { /* a browser without it: age alone tells then */ }
}

function wasBegunHere(piece) {
  try {
    return sessionStorage.getItem(`scribe-begun ${piece.recording_id}`) !== null;
  } catch {
    return false;
  }
}

/** What was begun with another file and broke off does not become a part of the visit; what is still arriving does. */
async function letGo(pieces) {
  for (const one of pieces.filter((piece) => piece.idle_seconds > BROKEN_OFF || wasBegunHere(piece))) await send("DELETE", `recordings/${one.recording_id}`);
}

/** An interrupted piece, if every part the service holds of it is a part of this very file. */
async function resume(file, pieces) {
  for (const piece of pieces) {
    const found = await compare(file, piece);
    if (!found) continue;
    const { upload_token: token } = await send("POST", `recordings/${piece.recording_id}/token`);
    return { ...found, id: piece.recording_id, token };
  }
  return null;
}

async function compare(file, piece) {
  const chunks = [...piece.chunks].sort((one, other) => one.seq - other.seq);
  const part = chunks[0].seq === 0 && file.size > chunks[0].size ? chunks[0].size : PART;
  for (const chunk of chunks) {
    const bytes = await file.slice(chunk.seq * part, chunk.seq * part + chunk.size).arrayBuffer();
    if (bytes.byteLength !== chunk.size || hex(await digest(bytes)) !== chunk.sha256.toLowerCase()) return null;
  }
  return { part, held: new Map(chunks.map((chunk) => [chunk.seq, chunk.size])) };
}

async function sendPart(target, seq, bytes, { signal, meter }) {
  const headers = {
    Authorization: `Upload ${target.token}`,
    "Content-Type": "application/octet-stream",
    "Content-Digest": `sha-256=:${base64(await digest(bytes))}:`,
  };
  for (let tries = 0; ; tries += 1) {
    if (signal.aborted) throw new Problem(0, { title: "Stopped", detail: "" });
    try {
      await send("PUT", `/recordings/${target.id}/chunks/${seq}`, { body: bytes, headers });
      meter.moving();
      return;
    } catch (problem) {
      if (!problem.passing) throw problem;
      meter.waiting(problem);
      await new Promise((resolve) => {
        setTimeout(resolve, PAUSES[Math.min(tries, PAUSES.length - 1)]);
        signal.addEventListener("abort", resolve, { once: true });
        window.addEventListener("online", resolve, { once: true });
      });
    }
  }
}

/** Shows how far a file is and how fast. */
export class Meter {
  constructor(find, size) {
    this.find = find;
    this.size = size;
    this.done = 0;
    this.marks = [];
  }

  begin(done) {
    this.done = done;
    this.marks = [[performance.now(), done]];
    this.show();
  }

  add(bytes) {
    this.done += bytes;
    this.marks = [...this.marks.slice(-9), [performance.now(), this.done]];
    this.show();
  }

  moving() {
    this.find("state").textContent = "Keep this page open until the recording has arrived.";
  }

  waiting(problem) {
    const full = problem.slug === "no-space";
    this.find("state").textContent = full
      ? "The scribe has no room for more sound: tell whoever runs it. Trying again; nothing is lost."
      : "The connection is lost. Trying again; nothing is lost.";
  }

  finish() {
    this.find("state").textContent = "All of it has arrived. Checking the sound…";
    this.find("stop").hidden = true;
    say("The recording has arrived and is being checked.");
  }

  show() {
    this.find("bar").value = this.done / this.size;
    this.find("done").textContent = `${megabytes(this.done)} of ${megabytes(this.size)}`;
    const [[since, before]] = this.marks;
    const seconds = (performance.now() - since) / 1000;
    this.find("speed").textContent = seconds > 0.3 && this.done > before ? `${megabytes((this.done - before) / seconds)}/s` : "";
  }
}

const digest = (bytes) => crypto.subtle.digest("SHA-256", bytes);
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));

/** 1500000 as "1.5 MB". */
export const megabytes = (bytes) => (bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
