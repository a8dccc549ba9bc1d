/* Bringing in a recording: one file finishes at once; several become one visit, in an order the clinician sees and can
   change. In: files. Out: pieces of the visit's sound, then the visit finished. */

import { tellLength } from "./recorder-state.js";
import { clearNotices, drawAnew, element, holdPage, notify, say } from "./shell.js";
import { isInterrupted, listPieces, megabytes, Meter, sendFile } from "./upload-send.js";
import { Problem, send } from "./wire.js";

const LARGEST = 5 * 10 ** 9;
// What is chosen and not sent outlives the page being drawn anew.
let pending = [];
let several = false;

/** Wires the upload card of `main`, where there is one. */
export function enableUpload(main, signal) {
  const card = main.querySelector("[data-upload]");
  if (card) new Card(main, card, signal).open();
}

class Card {
  constructor(main, card, signal) {
    this.main = main;
    this.card = card;
    this.signal = signal;
    this.kept = []; // pieces that are there already and will be parts of the visit
    this.find = (name) => card.querySelector(`[data-upload-${name}]`);
  }

  open() {
    const { card, find, signal } = this;
    const file = find("file");
    const drop = find("drop");
    this.ready = this.main.dataset.state === "CAPTURING" ? this.look().catch(() => {}) : Promise.resolve();
    file.addEventListener("change", () => this.choose([...file.files]), { signal });
    for (const name of ["dragover", "drop"]) {
      window.addEventListener(name, (event) => event.preventDefault(), { signal });
    }
    card.addEventListener("dragover", () => drop.classList.add("drop--over"), { signal });
    card.addEventListener("dragleave", (event) => {
      if (!card.contains(event.relatedTarget)) drop.classList.remove("drop--over");
    }, { signal });
    card.addEventListener("drop", (event) => {
      drop.classList.remove("drop--over");
      if (!drop.hidden) this.choose([...(event.dataTransfer?.files ?? [])]);
    }, { signal });
    find("more").checked = several;
    find("more").addEventListener("change", () => {
      several = find("more").checked;
      this.draw();
    }, { signal });
    find("go").addEventListener("click", () => this.go().catch(notify), { signal });
    this.draw();
    if (file.files.length) this.choose([...file.files]); // chosen before this script was there
  }

  /** What has arrived before: pieces to be kept, and a file that broke off. */
  async look() {
    const pieces = await listPieces();
    if (this.signal.aborted) return;
    const broken = pieces.filter(isInterrupted);
    const line = this.find("resume");
    if (pieces.some((one) => one.live)) {
      this.find("drop").hidden = true;
      line.textContent = "The visit is being recorded. Pause or finish there before you bring in files.";
    } else if (broken.length) {
      const size = Math.max(...broken.map((one) => one.bytes));
      line.textContent = `${megabytes(size)} of a recording have arrived. Choose the same file again to go on where it stopped, or another one to start anew.`;
    }
    line.hidden = !line.textContent;
    this.kept = pieces.filter((one) => one.state === "whole" || (one.source === "microphone" && one.bytes && !one.live)).reverse();
    this.draw();
  }

  async choose(chosen) {
    clearNotices();
    await this.ready;
    this.find("file").value = "";
    const fit = chosen.filter((one) => one.size > 0 && one.size <= LARGEST);
    for (const one of chosen.filter((other) => !fit.includes(other))) {
      const title = one.size ? "This file is larger than 5 GB." : "This file is empty.";
      notify({ title, detail: chosen.length > 1 ? `${one.name} is left out.` : "Choose another recording." });
    }
    if (!fit.length) return;
    if (fit.length === 1 && !several && !pending.length && !this.kept.length) {
      await this.begin(fit);
      return;
    }
    pending.push(...fit.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true })));
    this.draw();
    say(`${pending.length} ${pending.length === 1 ? "file" : "files"} in the list.`);
  }

  draw() {
    const { find } = this;
    find("several").hidden = !pending.length && !this.kept.length;
    find("kept").replaceChildren(...this.kept.map((piece) => this.drawPiece(piece)));
    find("list").replaceChildren(...pending.map((file, place) => this.drawFile(file, place)));
    find("go").textContent = pending.length ? "Bring them in and finish" : "Finish with what has arrived";
  }

  drawPiece(piece) {
    const what = piece.source === "microphone" ? "Recorded here" : "File";
    const size = piece.duration_ms ? tellLength(piece.duration_ms) : piece.source === "microphone" ? tellLength(1000 * piece.chunks.length) : megabytes(piece.bytes);
    const row = element("li");
    row.append(element("span", "pieces__name", `${what}, ${size}, has arrived`), this.tool("Remove", `${what}, ${size}`, async () => {
      await send("DELETE", `recordings/${piece.recording_id}`);
      await drawAnew();
    }));
    return row;
  }

  drawFile(file, place) {
    const row = element("li");
    const move = (by) => () => {
      pending.splice(place, 1);
      pending.splice(place + by, 0, file);
      this.draw();
      const tools = this.find("list").children[place + by].querySelectorAll("button");
      ([...tools].find((one) => one.textContent.startsWith(by < 0 ? "Up" : "Down") && !one.disabled) || tools[0]).focus();
      say(`${file.name} is now number ${place + by + 1}.`);
    };
    const up = this.tool("Up", file.name, move(-1));
    const down = this.tool("Down", file.name, move(1));
    const remove = this.tool("Remove", file.name, () => {
      pending.splice(place, 1);
      this.draw();
      (this.find("list").querySelector("button:not(:disabled)") || this.find("file")).focus();
      say(`${file.name} is left out.`);
    });
    up.disabled = place === 0;
    down.disabled = place === pending.length - 1;
    row.append(element("span", "pieces__name", `${place + 1}. ${file.name}, ${megabytes(file.size)}`), up, down, remove);
    return row;
  }

  tool(words, what, press) {
    const button = element("button", "button button--small", words);
    button.type = "button";
    button.append(element("span", "unseen", ` ${what}`));
    button.addEventListener("click", async () => {
      try {
        await press();
      } catch (problem) {
        notify(problem);
      }
    });
    return button;
  }

  async go() {
    clearNotices();
    if (pending.length) {
      await this.begin(pending);
      return;
    }
    await send("POST", "finish");
    await drawAnew();
  }

  /** Sends files one after the other; the last one finishes the recording. */
  async begin(files) {
    const { find, signal } = this;
    const stop = new AbortController();
    signal.addEventListener("abort", () => stop.abort(), { once: true });
    find("stop").addEventListener("click", () => stop.abort(), { signal: stop.signal });
    for (const name of ["drop", "resume", "several"]) find(name).hidden = true;
    find("more").closest("p").hidden = true;
    find("progress").hidden = false;
    holdPage("upload", true);
    say("The recording is being brought in.");
    const all = files.length;
    let file = null;
    try {
      for (let place = 0; place < all; place += 1) {
        [file] = files;
        find("name").textContent = all > 1 ? `${file.name} (${place + 1} of ${all})` : file.name;
        find("stop").hidden = false;
        const meter = new Meter(find, file.size);
        await sendFile(file, { signal: stop.signal, meter, more: place < all - 1, twoSided: find("sides").checked });
        files.shift();
      }
      several = false;
      holdPage("upload", false);
      await drawAnew();
    } catch (problem) {
      holdPage("upload", false);
      if (signal.aborted) return;
      const stopped = stop.signal.aborted;
      // A file that is no sound is not tried again with the others.
      if (all > 1 && problem instanceof Problem && problem.status === 422) files.shift();
      // First the page as it stands now, then what went wrong: a file chosen at once must not meet the old page.
      await drawAnew().catch(() => {
        find("drop").hidden = false;
        find("progress").hidden = true;
      });
      if (!stopped) notify(problem instanceof Problem ? name(problem, all > 1 ? file : null) : unread());
    }
  }
}

/** Where there were several files, says which one it was. */
const name = (problem, file) => (file ? { title: `${file.name}: ${problem.title}`, detail: problem.detail, supportCode: problem.supportCode } : problem);
const unread = () => ({ title: "The file could not be read.", detail: "Choose it again; what has arrived is kept." });
