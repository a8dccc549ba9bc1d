/* Bringing in a recording: numbered parts with digests, each sent until it is acknowledged. After a reload the same
   file goes on where it stopped. The file never leaves this page but to the service. */

import { clearNotices, drawAnew, holdPage, notify, say } from "./shell.js";
import { Problem, send } from "./wire.js";

const PART = 1024 * 1024;
const LARGEST = 4 * 1024 ** 3;
const PAUSES = [1000, 2000, 4000, 8000, 15000];

/** Wires the upload card of `main`, where there is one. */
export function enableUpload(main, signal) {
  const card = main.querySelector("[data-upload]");
  if (!card) return;
  const find = (name) => card.querySelector(`[data-upload-${name}]`);
  const file = find("file");
  const drop = find("drop");
  file.addEventListener("change", () => { if (file.files[0]) begin(file.files[0]); }, { signal });
  for (const name of ["dragover", "drop"]) {
    window.addEventListener(name, (event) => event.preventDefault(), { signal });
  }
  card.addEventListener("dragover", () => drop.classList.add("drop--over"), { signal });
  card.addEventListener("dragleave", (event) => {
    if (!card.contains(event.relatedTarget)) drop.classList.remove("drop--over");
  }, { signal });
  card.addEventListener("drop", (event) => {
    drop.classList.remove("drop--over");
    const dropped = event.dataTransfer?.files?.[0];
    if (dropped && !drop.hidden) begin(dropped);
  }, { signal });
  if (file.files[0]) begin(file.files[0]); // chosen before this script was there
  else if (main.dataset.state === "CAPTURING") showInterrupted(find("resume")).catch(() => {});

  async function begin(chosen) {
    clearNotices();
    if (chosen.size === 0 || chosen.size > LARGEST) {
      const title = chosen.size ? "This file is larger than 4 GB." : "This file is empty.";
      notify({ title, detail: "Choose another recording." });
      file.value = "";
      return;
    }
    const stop = new AbortController();
    signal.addEventListener("abort", () => stop.abort(), { once: true });
    find("stop").addEventListener("click", () => stop.abort(), { signal: stop.signal });
    drop.hidden = true;
    find("resume").hidden = true;
    find("progress").hidden = false;
    find("name").textContent = chosen.name;
    holdPage("upload", true);
    say("The recording is being brought in.");
    try {
      await upload(chosen, stop.signal, new Meter(find, chosen.size));
      holdPage("upload", false);
      await drawAnew();
    } catch (problem) {
      holdPage("upload", false);
      if (signal.aborted) return;
      const stopped = stop.signal.aborted;
      // First the page as it stands now, then what went wrong: a file chosen at once must not meet the old page.
      await drawAnew().catch(() => {
        file.value = "";
        drop.hidden = false;
        find("progress").hidden = true;
      });
      if (!stopped) notify(problem instanceof Problem ? problem : unread());
    }
  }
}

const unread = () => ({ title: "The file could not be read.", detail: "Choose it again; what has arrived is kept." });

async function showInterrupted(line) {
  const open = await findInterrupted();
  if (!open) return;
  const size = open.chunks.reduce((sum, chunk) => sum + chunk.size, 0);
  line.textContent = `${megabytes(size)} of a recording have arrived. Choose the same file again to go on where it stopped, or another one to start anew.`;
  line.hidden = false;
}

async function findInterrupted() {
  const { recordings } = await send("GET", "recordings");
  return recordings.filter((one) => one.chunks.length).at(-1) ?? null;
}

async function upload(file, signal, meter) {
  const target = (await resume(file)) ?? (await start());
  const count = Math.ceil(file.size / target.part);
  meter.begin([...target.held.values()].reduce((sum, size) => sum + size, 0));
  for (let seq = 0; seq < count; seq += 1) {
    if (target.held.has(seq)) continue;
    const bytes = await file.slice(seq * target.part, (seq + 1) * target.part).arrayBuffer();
    await sendPart(target, seq, bytes, { signal, meter });
    meter.add(bytes.byteLength);
  }
  meter.finish();
  await send("POST", `recordings/${target.id}/close`, { json: { chunks: count } });
}

async function start() {
  const opened = await send("POST", "recordings");
  return { id: opened.recording_id, token: opened.upload_token, part: opened.chunk_bytes || PART, held: new Map() };
}

/** An interrupted recording, if every part the service holds of it is a part of this very file. */
async function resume(file) {
  const open = await findInterrupted().catch(() => null);
  if (!open) return null;
  const chunks = [...open.chunks].sort((one, other) => one.seq - other.seq);
  const part = chunks[0].seq === 0 && file.size > chunks[0].size ? chunks[0].size : PART;
  for (const chunk of chunks) {
    const bytes = await file.slice(chunk.seq * part, chunk.seq * part + chunk.size).arrayBuffer();
    if (bytes.byteLength !== chunk.size || hex(await digest(bytes)) !== chunk.sha256.toLowerCase()) return null;
  }
  const { upload_token: token } = await send("POST", `recordings/${open.recording_id}/token`);
  return { id: open.recording_id, token, part, held: new Map(chunks.map((chunk) => [chunk.seq, chunk.size])) };
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
      meter.waiting();
      await new Promise((resolve) => {
        setTimeout(resolve, PAUSES[Math.min(tries, PAUSES.length - 1)]);
        signal.addEventListener("abort", resolve, { once: true });
        window.addEventListener("online", resolve, { once: true });
      });
    }
  }
}

/** Shows how far it is and how fast. */
class Meter {
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

  waiting() {
    this.find("state").textContent = "The connection is lost. Trying again; nothing is lost.";
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
const megabytes = (bytes) => (bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
