/* Plays turns of the recording. In: turn elements with data-start and data-end in seconds. Seeks, stops at the end,
   and shows which turn is heard; the browser's own controls stay in charge of everything else. */

import { notify } from "./shell.js";

const SAME_BREATH = 1.0; // seconds between two turns that are played through

export class Player {
  constructor(root, turns, signal) {
    this.audio = root?.querySelector("audio") ?? null;
    this.label = root?.querySelector("[data-playing]") ?? null;
    this.hint = this.label?.textContent ?? "";
    this.turns = turns;
    this.queue = [];
    if (!this.audio) return;
    this.audio.addEventListener("timeupdate", () => this.watch(), { signal });
    this.audio.addEventListener("play", () => this.loop(), { signal });
    this.audio.addEventListener("pause", () => this.paused(), { signal });
    this.audio.addEventListener("seeking", () => { if (!this.moving) this.queue = []; }, { signal });
    this.audio.addEventListener("seeked", () => { this.moving = false; }, { signal });
    signal.addEventListener("abort", () => this.audio.pause());
  }

  /** Plays these turns in order and stops after the last one. */
  async play(turns) {
    const timed = turns.filter((turn) => turn.dataset.start !== undefined);
    if (!this.audio || !timed.length) return;
    this.queue = spans(timed);
    this.seek(this.queue[0].start);
    try {
      await this.audio.play();
    } catch (error) {
      if (error.name !== "AbortError") {
        notify({ title: "The recording cannot be played here.", detail: "The transcript still shows what was said." });
      }
    }
  }

  /** Stops, wherever it is. */
  stop() {
    this.queue = [];
    this.audio?.pause();
  }

  seek(seconds) {
    this.moving = true;
    this.audio.currentTime = seconds;
  }

  loop() {
    this.watch();
    if (!this.audio.paused) requestAnimationFrame(() => this.loop());
  }

  watch() {
    const at = this.audio.currentTime;
    const span = this.queue[0];
    if (span && !this.moving && at >= span.end) {
      this.queue.shift();
      if (this.queue.length) this.seek(this.queue[0].start);
      else this.audio.pause();
    }
    this.show(at);
  }

  paused() {
    this.queue = [];
    this.show(-1);
  }

  show(at) {
    const heard = this.turns.find((turn) => at >= Number(turn.dataset.start) && at < Number(turn.dataset.end));
    if (heard === this.heard) return;
    this.heard?.classList.remove("turn--playing");
    heard?.classList.add("turn--playing");
    this.heard = heard;
    if (this.label && heard) {
      this.label.textContent = `Playing: ${heard.querySelector(".turn__role").textContent}`;
    } else if (this.label && this.audio.paused) {
      this.label.textContent = this.hint;
    }
  }
}

function spans(turns) {
  const ordered = turns.map((turn) => ({ start: Number(turn.dataset.start), end: Number(turn.dataset.end) }))
    .sort((one, other) => one.start - other.start);
  const joined = [];
  for (const span of ordered) {
    const last = joined.at(-1);
    if (last && span.start - last.end <= SAME_BREATH) last.end = Math.max(last.end, span.end);
    else joined.push({ ...span });
  }
  return joined;
}
