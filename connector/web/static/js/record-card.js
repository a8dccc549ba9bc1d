/* The card from which the recorder is opened, and what it shows of a recorder at work. In: the service's word on what
   has arrived. A panel and the recorder's window share nothing else: browsers keep their storage apart. */

import { openWindow } from "./forms.js";
import { tellLength } from "./recorder-state.js";
import { clearNotices, drawAnew, isHeld, isMicrophoneBlocked, notify, say } from "./shell.js";
import { send, sendOnce } from "./wire.js";

const EVERY = 2000; // ms between looks at a visit that is being recorded
const SELDOM = 5000; // ms between looks at one that is not
const HERE = "scribe-record-here";
const framed = window.self !== window.top;
let recorder = null; // the window this page opened

/** Wires the card, where there is one. */
export function enableRecordCard(main, signal) {
  const card = main.querySelector("[data-record]");
  if (!card) return;
  const find = (name) => card.querySelector(`[data-record-${name}]`);
  const here = find("here").querySelector("input");
  const follower = new Follower(main, find, signal);
  find("open").hidden = false;
  find("open").addEventListener("click", () => open().catch(notify), { signal });
  find("finish").addEventListener("click", () => finish().catch(notify), { signal });
  if (framed) offerPanel();
  follower.look();

  /** Recording in the panel is offered where the EHR gave it the microphone, and done where the clinician prefers it. */
  async function offerPanel() {
    if (await isMicrophoneBlocked()) return;
    find("here").hidden = false;
    here.checked = recall() === "yes";
    here.addEventListener("change", () => remember(here.checked ? "yes" : "no"), { signal });
  }

  async function open() {
    clearNotices();
    if (recorder && !recorder.closed) {
      recorder.focus();
      return;
    }
    const address = `${main.dataset.base}/recorder`;
    if (!find("here").hidden && here.checked) location.assign(address);
    else if (framed) recorder = await openWindow("recorder");
    else recorder = window.open(address, "_blank") || (location.assign(address), null);
  }

  async function finish() {
    clearNotices();
    find("finish").disabled = true;
    try {
      await send("POST", "finish");
      await drawAnew();
    } finally {
      find("finish").disabled = false;
    }
  }
}

class Follower {
  constructor(main, find, signal) {
    this.main = main;
    this.find = find;
    this.signal = signal;
    this.told = "";
  }

  async look() {
    let wait = SELDOM;
    try {
      const seen = await sendOnce("GET", "recorder/watch");
      if (this.signal.aborted) return;
      // The card is drawn only where everybody agreed: a consent taken back and given up again within a look shows here.
      if ((seen.state !== this.main.dataset.state || seen.consent !== "given") && !isHeld()) {
        await drawAnew();
        return;
      }
      if (!seen.locked) this.show(seen.sound);
      if (seen.sound.recorder) wait = EVERY;
    } catch (problem) {
      if (!problem.passing) return; // the page's own look at the visit says what has happened
    }
    setTimeout(() => { if (!this.signal.aborted) this.look(); }, wait);
  }

  show(sound) {
    const line = this.find("running");
    line.hidden = sound.recorder === null;
    if (line.hidden) {
      this.find("open").textContent = sound.seconds ? "Go on recording" : "Record";
      this.find("finish").hidden = true;
      return;
    }
    const gone = !sound.live && !sound.resting;
    line.classList.toggle("running--quiet", !sound.live || sound.resting !== null);
    this.find("open").textContent = gone ? "Open it again" : "Show the recorder";
    this.find("finish").hidden = sound.live && !sound.resting;
    this.find("words").textContent = tell(sound);
    const state = gone ? "The recorder is not answering." : sound.resting ? "The recording rests." : "Recording goes on in its own window.";
    if (this.told !== state) say(state);
    this.told = state;
  }
}

function tell({ seconds, since, quiet_seconds: quiet, live, resting }) {
  const begun = new Date(since).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  if (resting === "off-record") return `Off the record. ${tellLength(seconds * 1000)} have arrived.`;
  if (resting) return `Paused. ${tellLength(seconds * 1000)} have arrived.`;
  if (live) return `Recording goes on in its own window since ${begun}${quiet === null ? "" : `, last sound ${Math.round(quiet)} s ago`}.`;
  return `The recorder is not answering. Open it again, or finish with what has arrived (${tellLength(seconds * 1000)}).`;
}

function recall() {
  try {
    return localStorage.getItem(HERE);
  } catch {
    return null;
  }
}

function remember(value) {
  try {
    localStorage.setItem(HERE, value);
  } catch {
    // Asked again next time.
  }
}
