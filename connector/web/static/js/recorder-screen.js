/* The recorder as it is seen. In: phase, time, level, words. Out: the page. Decides nothing and keeps nothing. */

import { PHASES, showClock, tellLength, titleOf } from "./recorder-state.js";
import { element, say } from "./shell.js";

const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const ENDED = ["finished", "withdrawn", "forgotten", "over", "unable"];
// What a screen reader is told, once, when a phase begins.
const SAID = {
  recording: "Recording.",
  paused: "Paused. Nothing is recorded.",
  off: "Off the record. Nothing is recorded.",
  lost: "The microphone is gone. Nothing is recorded.",
  finishing: "Stopped. Sending what is left.",
  finished: "Finished. The recording has arrived.",
  elsewhere: "This visit is being recorded in another window.",
  superseded: "Recording goes on in another window. Nothing is recorded here.",
  withdrawn: "Consent was withdrawn. Nothing is recorded, and what was kept in this browser is deleted.",
  forgotten: "Stopped. What was recorded is deleted.",
  over: "This visit takes no more sound. Nothing is recorded.",
};

export class Screen {
  constructor(main) {
    this.main = main;
    this.shown = null;
    this.lost = false;
    this.spoken = false; // whether anything was recorded that could be stored
    this.frame = main.querySelector("[data-recorder]");
  }

  find(name) {
    return this.main.querySelector(`[data-${name}]`);
  }

  /** Shows a phase; `before`: something of this visit was recorded earlier; `framed`: the page stands in a panel. */
  show(phase, { before = false, framed = false } = {}) {
    const { words, control } = PHASES[phase];
    const moved = this.shown !== null && phase !== this.shown;
    this.spoken = before || PHASES[phase].sound || this.spoken;
    this.shown = phase;
    this.frame.dataset.phase = phase;
    this.find("words").textContent = phase === "ready" && before ? "Interrupted. Nothing is recorded." : words;
    this.find("control").hidden = control === null && phase !== "asking";
    // Never disabled: a button that is loses the focus, and with it the space bar.
    this.find("control").setAttribute("aria-disabled", control === null);
    this.find("control-words").textContent = phase === "ready" && before ? "Go on recording" : control ?? "One moment…";
    this.find("off").hidden = !["recording", "paused"].includes(phase);
    this.find("finish").hidden = !(["recording", "paused", "off", "lost"].includes(phase) || (phase === "ready" && before));
    this.find("set-up").hidden = ["finishing", ...ENDED].includes(phase);
    this.find("ends").hidden = ENDED.includes(phase);
    for (const name of ["sides", "kept"]) this.find(name).hidden = ENDED.includes(phase);
    this.find("close").hidden = framed || !ENDED.includes(phase);
    this.find("visit-link").hidden = ![...ENDED, "elsewhere", "superseded"].includes(phase);
    if (phase !== "recording") {
      this.silence(false);
      this.level(0);
    }
    const icon = phase === "recording" ? "/static/recording.svg" : "/static/scribe.svg";
    document.querySelector("link[rel=icon]").setAttribute("href", icon);
    if (moved && SAID[phase]) say(SAID[phase]);
  }

  clock(ms) {
    this.find("clock").textContent = showClock(ms);
    document.title = titleOf(this.shown, ms);
  }

  /** Moves the meter, from 0 to 1; in steps where the clinician wants less motion. */
  level(level) {
    const meter = this.find("meter");
    meter.style.setProperty("--level", calm.matches ? Math.round(level * 10) / 10 : level.toFixed(3));
    const told = Math.round(level * 10) * 10;
    if (meter.getAttribute("aria-valuenow") !== String(told)) meter.setAttribute("aria-valuenow", told);
  }

  silence(asked) {
    const hint = this.find("silence");
    if (asked && hint.hidden) say("Nothing was heard for 20 seconds: is the microphone the right one?");
    hint.hidden = !asked;
  }

  /** Says how the sending goes: `waiting` slices of a second each are still in this browser. */
  kept({ waiting, failing, full }) {
    const line = this.find("kept");
    const length = tellLength(waiting * 1000);
    if (full) line.textContent = `The scribe has no room for more sound. ${length} are kept in this browser and sent as soon as there is. Tell whoever runs the scribe.`;
    else if (failing) line.textContent = `No connection. ${length} of sound are kept in this browser and sent by themselves.`;
    else if (!this.spoken) line.textContent = "";
    else line.textContent = waiting > 3 ? `${length} of sound are still being sent. Keep this window open.` : "All sound is stored safely.";
    if (failing !== this.lost) say(failing ? "The connection is lost. Recording goes on; the sound is kept in this browser." : "The connection is back.");
    this.lost = failing;
  }

  /** What cannot be done, why, and what to do; nothing takes it down again. */
  trouble(problem) {
    const box = this.find("trouble");
    box.replaceChildren();
    box.hidden = !problem;
    if (!problem) return;
    box.append(element("h2", "", problem.title), element("p", "", problem.detail));
    if (problem.supportCode) box.append(element("p", "", `Support code ${problem.supportCode}`));
    const way = element("a", "", "Bring in a file, or type the visit");
    way.href = this.main.dataset.base;
    const line = element("p");
    line.append(way);
    box.append(line);
  }

  /** Asks before something that cannot be taken back; resolves with the answer. */
  confirm({ title, words, yes }) {
    const dialog = this.find("dialog");
    dialog.querySelector("h2").textContent = title;
    this.find("dialog-words").textContent = words;
    this.find("dialog-yes").textContent = yes;
    dialog.returnValue = "no";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
  }

  /** Lists the microphones; `chosen` is the one to be used, `used` the one in use. */
  microphones(all, chosen) {
    const list = this.find("microphones");
    const own = new Option("The browser's own choice", "");
    const named = all.filter((one) => one.deviceId && one.deviceId !== "default");
    list.replaceChildren(own, ...named.map((one, at) => new Option(one.label || `Microphone ${at + 1}`, one.deviceId)));
    list.value = named.some((one) => one.deviceId === chosen) ? chosen : "";
  }
}
