/* The recorder: wires control, microphone, store and sender of one visit. In: what the clinician presses.
   Sound goes to the store first and to the service from there; a slice leaves the store when it is acknowledged. */

import { enableSetUp } from "./recorder-setup.js";
import { Screen } from "./recorder-screen.js";
import { Sender } from "./recorder-sender.js";
import { findObstacle, openMicrophone, Run, Wake } from "./recorder-sound.js";
import { explainMicrophone, isUnderWay, PHASES, SilenceWatch, spanOf, Timeline } from "./recorder-state.js";
import { openStore } from "./recorder-store.js";
import { Guard } from "./recorder-guard.js";
import { clearNotices, holdPage, measureTop, notify } from "./shell.js";
import { sendOnce, whenLocked } from "./wire.js";

const TICK = 250; // ms between looks at time and level
const framed = window.self !== window.top;

export class Recorder {
  constructor(main, store) {
    this.main = main;
    this.visit = main.dataset.visit;
    this.store = store;
    this.screen = new Screen(main);
    this.guard = new Guard(this, store);
    this.wake = new Wake();
    this.sender = this.makeSender();
    this.phase = "ready";
    this.before = 0; // ms captured in earlier segments
    this.lastAt = null; // when sound was last captured, by this page or an earlier one
    this.rested = false; // whether an earlier page ended in a pause, which has a mark of its own
    this.waiting = 0;
    this.run = this.segment = this.timeline = this.tab = this.mark = null;
    this.chain = Promise.resolve();
    this.silence = new SilenceWatch(Date.now());
  }

  makeSender() {
    return new Sender(this.store, {
      onState: (state) => {
        this.waiting = state.waiting;
        this.screen.kept(state);
        this.hold();
      },
      onStop: (reason, problem, segment) => this.guard.stopped(reason, problem, segment),
    });
  }

  get captured() {
    return this.before + (this.timeline?.reading(Date.now(), this.run?.heard ?? null) ?? 0);
  }

  set(phase) {
    this.phase = phase;
    this.screen.show(phase, { before: this.before > 0 || this.lastAt !== null, framed });
    this.screen.clock(this.captured);
    this.wake.hold(PHASES[phase].sound);
    this.hold();
  }

  hold() {
    holdPage("recorder", isUnderWay(this.phase) || (this.waiting > 0 && !["withdrawn", "forgotten"].includes(this.phase)));
  }

  /** Remembers for the next page how far this one came. */
  remember(now) {
    if (now) this.lastAt = now;
    const { segment, guard } = this;
    if (segment?.recording && !guard.ours.includes(segment.recording)) guard.ours.push(segment.recording);
    const facts = { captured: this.captured, lastAt: this.lastAt, resting: this.mark !== null, ours: guard.ours };
    return this.store.remember(this.visit, facts);
  }

  /** How long nothing was captured before now, in ms; null where nothing was captured yet. */
  get missing() {
    if (this.lastAt === null) return null;
    return this.rested ? 0 : spanOf(this.lastAt, Date.now());
  }

  /** Begins a segment: at first, after a reload, with another microphone, or with the sound of a tab. */
  async begin({ takeOver = false, missing = this.missing } = {}) {
    const from = this.phase;
    this.set("asking");
    clearNotices();
    const hindrance = await this.guard.claim({ takeOver });
    if (hindrance) {
      if (hindrance === "elsewhere") this.set(hindrance);
      else await this.guard.end(hindrance);
      return false;
    }
    let microphone;
    try {
      microphone = await openMicrophone({ twoSided: this.tab !== null });
    } catch (error) {
      this.guard.letGo();
      this.screen.trouble(explainMicrophone(error.name, { framed }));
      this.set(from);
      return false;
    }
    if (this.phase !== "asking") {
      // Withdrawn or taken over while the browser asked.
      for (const track of microphone.getTracks()) track.stop();
      return false;
    }
    await this.guard.endLeftovers();
    const facts = { visit: this.visit, page: this.guard.page, begunAt: Date.now(), recording: null, token: null };
    const takes = takeOver || this.guard.ownLive;
    this.segment = await this.store.begin({ ...facts, twoSided: this.tab !== null, takeOver: takes, missing, ended: false });
    this.rested = false;
    this.capture(microphone);
    this.screen.trouble(null);
    this.sender.add(this.segment);
    this.set("recording");
    this.changed?.();
    navigator.storage?.persist?.().catch(() => {});
    return true;
  }

  capture(microphone) {
    const run = new Run(microphone, this.tab, {
      onSlice: (blob) => this.take(run, blob),
      onEnd: () => { if (run === this.run) this.lose(); },
      onTabEnd: () => { if (run === this.run) this.loseTab(); },
    });
    this.run = run;
    run.start();
    this.timeline = new Timeline(Date.now(), run.heard);
    this.silence = new SilenceWatch(Date.now());
  }

  take(run, blob) {
    const { segment, timeline } = this;
    if (!segment || segment.dropped) return;
    const now = Date.now();
    if (run === this.run && timeline.running) {
      const gap = timeline.slice(now, run.heard);
      if (gap) segment.marks.push({ ...gap, number: segment.marks.length, sent: null });
      this.remember(now);
    }
    this.chain = this.chain.then(async () => {
      if (segment.dropped) return;
      await this.store.add(segment, await blob.arrayBuffer(), now);
      this.sender.poke();
    }).catch(() => {
      // What comes after it is kept all the same; this second is missing, and nobody is left to think otherwise.
      segment.marks.push({ kind: "gap", at_ms: Math.round(timeline?.captured ?? 0), missing_ms: 1000, number: segment.marks.length, sent: null });
      notify({ title: "A second of sound could not be kept.", detail: "Recording goes on, and the place is marked." });
    });
  }

  /** Captures nothing until the clinician goes on; `kind` is paused or off-record. */
  async rest(kind) {
    await this.settleMark();
    this.run?.pause();
    this.timeline?.pause(Date.now(), this.run?.heard ?? null);
    if (this.segment) {
      this.mark = { kind, at_ms: Math.round(this.timeline?.captured ?? 0), missing_ms: 0, begun: Date.now() };
      this.mark = { ...this.mark, number: this.segment.marks.length, sent: null, of: this.segment.id };
      this.segment.marks.push(this.mark);
      await this.chain;
      await this.store.save(this.segment);
    }
    this.set(kind === "paused" ? "paused" : "off");
    await this.remember();
    this.sender.poke();
  }

  /** The pause is over: its mark says how long it was. */
  async settleMark() {
    const { mark, segment } = this;
    if (!mark) return;
    mark.missing_ms = spanOf(mark.begun, Date.now());
    this.mark = null;
    if (segment) await this.store.save(segment);
    this.sender.poke();
  }

  async goOn() {
    await this.settleMark();
    if (!this.run) return this.begin({ missing: 0 });
    this.run.resume();
    this.timeline.resume(Date.now(), this.run.heard);
    this.silence = new SilenceWatch(Date.now());
    this.set("recording");
    return true;
  }

  /** Ends the segment: its last slice is stored, and what is left of it is sent. */
  async endRun({ keepTab = false } = {}) {
    const { run, segment, timeline } = this;
    if (!run) return;
    timeline.pause(Date.now(), run.heard);
    this.run = null;
    await run.stop({ keepTab });
    await this.chain;
    this.before += timeline.captured;
    this.timeline = null;
    if (!keepTab) this.tab = null;
    // A pause that is still going on keeps its segment open, so that its mark can be lengthened.
    segment.ended = this.mark === null;
    await this.store.save(segment);
    await this.remember(segment.lastAt);
    this.sender.poke();
  }

  /** The microphone went away by itself: any other one is better than none, and the clinician is told. */
  async lose() {
    const resting = this.phase === "paused" || this.phase === "off";
    await this.endRun({ keepTab: true });
    if (resting) return;
    this.set("lost");
    if (await this.begin()) {
      notify({ title: "The microphone went away.", detail: `Recording goes on with: ${this.run.name}. Choose another one below if this is wrong.` });
    }
  }

  async loseTab() {
    this.tab = null;
    await this.renew();
    notify({ title: "The call's sound has ended.", detail: "Only your side is recorded now. Add it again below." });
  }

  /** Another microphone, or another set of channels: a new segment, where something is being recorded. */
  async renew() {
    const { phase } = this;
    if (!this.run) {
      this.changed?.();
      return;
    }
    const since = Date.now();
    await this.endRun({ keepTab: this.tab !== null });
    if (phase === "recording") await this.begin({ missing: spanOf(since, Date.now()) });
    this.changed?.();
  }

  async finish() {
    await this.settleMark();
    this.set("finishing");
    await this.endRun();
    await this.guard.endLeftovers();
    this.sender.finish();
  }

  /** Captures no more, and keeps nothing of this visit in this browser. */
  async drop(phase) {
    const { run, segment } = this;
    if (segment) segment.dropped = true;
    this.run = this.timeline = this.segment = this.mark = this.tab = null;
    this.sender.stop();
    run?.release();
    this.before = 0;
    this.lastAt = null;
    this.waiting = 0;
    this.set(phase);
    await this.chain;
    await this.store.forgetVisit(this.visit);
  }

  async press() {
    if (this.phase === "ready" || this.phase === "lost") await this.begin();
    else if (this.phase === "recording") await this.rest("paused");
    else if (this.phase === "paused" || this.phase === "off") await this.goOn();
    else if (this.phase === "elsewhere" || this.phase === "superseded") await this.begin({ takeOver: true });
    else if (this.phase === "forgotten") location.reload();
  }

  tick() {
    this.screen.clock(this.captured);
    if (this.phase !== "recording" || !this.run) return;
    const { level, heard } = this.run.level();
    if (document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches) this.screen.level(level);
    this.screen.silence(this.silence.hear(Date.now(), heard));
  }

  draw() {
    if (this.phase === "recording" && this.run && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.screen.level(this.run.level().level);
    requestAnimationFrame(() => this.draw());
  }
}

/** A press is a person: a session that was hidden after a pause is shown again by it. */
async function show() {
  await sendOnce("POST", "unlock");
}

async function open() {
  const main = document.getElementById("main");
  const recorder = new Recorder(main, await openStore());
  const find = (name) => recorder.screen.find(name);
  const guarded = (work) => async () => {
    if (recorder.busy) return;
    recorder.busy = true;
    await work().catch(notify).finally(() => { recorder.busy = false; });
  };
  whenLocked(show);
  measureTop();
  find("control").addEventListener("click", guarded(() => recorder.press()));
  find("off").addEventListener("click", guarded(() => recorder.rest("off-record")));
  find("finish").addEventListener("click", guarded(() => recorder.finish()));
  // These two never wait for anything else.
  find("withdraw").addEventListener("click", () => recorder.guard.withdraw().catch(notify));
  find("forget").addEventListener("click", () => recorder.guard.forget().catch(notify));
  find("close").addEventListener("click", () => window.close());
  enableSetUp(recorder);
  for (const name of ["withdraw", "forget", "share"]) find(name).disabled = false;
  const obstacle = findObstacle();
  if (obstacle) {
    recorder.screen.trouble(explainMicrophone(obstacle));
    recorder.set("unable");
    return;
  }
  await recorder.guard.open();
  setInterval(() => recorder.tick(), TICK);
  recorder.draw();
  if (recorder.phase === "ready") find("control").focus();
}

open();
