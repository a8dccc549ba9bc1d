/* Who may record this visit now, and whether it may be recorded at all. In: locks of this browser, answers of the
   service, the patient's word. Out: a recorder that goes on, stops, or forgets. One window records a visit at a time. */

import { PAUSES, spanOf } from "./recorder-state.js";
import { notify } from "./shell.js";
import { send, sendOnce } from "./wire.js";

const EVERY = 1000; // ms between looks at the visit: a withdrawal in the panel ends capture within two of them
const ANSWER = 5; // s
const FEW = 10; // slices that are let go when it turns out that another window had begun already
const TAKING = ["PRIMED", "CAPTURING"];
const ENDED = ["finished", "withdrawn", "forgotten", "over", "unable"];

const isOpen = (mark) => mark.kind !== "gap" && mark.missing_ms === 0;
const pause = (length) => new Promise((resolve) => { setTimeout(resolve, length); });

export class Guard {
  constructor(recorder, store) {
    this.recorder = recorder;
    this.store = store;
    this.page = crypto.randomUUID();
    this.ours = []; // pieces at the service that this browser sent
    this.ownLive = false;
    this.release = null;
    this.looks = 0;
  }

  /** What this page begins with: sound an earlier page could not send goes first. */
  async open() {
    const { recorder } = this;
    navigator.locks?.request(`scribe-page ${this.page}`, () => new Promise(() => {})).catch(() => {});
    const known = await this.store.recall(recorder.visit);
    if (known) {
      recorder.before = known.captured;
      recorder.lastAt = known.lastAt;
      recorder.rested = known.resting;
      this.ours = known.ours ?? [];
    }
    await this.adopt();
    const seen = await this.look().catch(() => null);
    if (seen) recorder.before = Math.max(recorder.before, 1000 * seen.sound.seconds);
    recorder.set((seen && this.isForeign(seen)) || (await this.isHeld()) ? "elsewhere" : "ready");
    if (!this.store.lasting) {
      notify({ title: "This browser keeps nothing.", detail: "Sound that has not been sent would be lost by a reload: leave this window open until the recording has arrived." }, { calm: true });
    }
    this.follow();
  }

  look() {
    return sendOnce("GET", "recorder/watch", { seconds: ANSWER });
  }

  get lock() {
    return `scribe-recorder ${this.recorder.visit}`;
  }

  async isHeld() {
    const held = await listHeld();
    return !this.release && held.some((one) => one.name === this.lock);
  }

  /** Whether somebody else's microphone is being heard. */
  isForeign({ sound }) {
    const own = [...this.ours, ...[...this.store.segments.values()].map((one) => one.recording)];
    return sound.live && !own.includes(sound.recorder);
  }

  /** Takes over what an earlier page of this browser left behind, unless that page still lives. */
  async adopt() {
    const held = await listHeld();
    const living = held.map((one) => one.name);
    for (const segment of await this.store.list(this.recorder.visit)) {
      if (segment.page === this.page || living.includes(`scribe-page ${segment.page}`)) continue;
      segment.page = this.page;
      segment.blocked = segment.renewed = false; // another session may do what the one before could not
      segment.ended = !segment.marks.some(isOpen);
      await this.store.save(segment);
      this.recorder.sender.add(segment);
    }
  }

  /** Whatever is not being recorded just now is whole; a pause it ended in is over. */
  async endLeftovers() {
    const { recorder } = this;
    for (const segment of recorder.sender.segments) {
      if (recorder.run && segment === recorder.segment) continue;
      for (const mark of segment.marks.filter(isOpen)) mark.missing_ms = spanOf(mark.begun, Date.now());
      segment.ended = true;
      await this.store.save(segment);
    }
    recorder.sender.poke();
  }

  /** Makes this window the one that records. Returns null, or the phase that says why it may not. */
  async claim({ takeOver }) {
    const { recorder } = this;
    if (!(await this.hold(takeOver))) return "elsewhere";
    const seen = await this.look().catch((problem) => {
      if (problem.passing) return null; // no connection: what is recorded now is sent later
      throw problem;
    });
    if (seen?.consent === "refused") return "withdrawn";
    if (seen?.consent === "open") location.reload(); // the page says who has to be asked first
    if (seen && !TAKING.includes(seen.state)) return "over";
    const foreign = seen !== null && this.isForeign(seen);
    this.ownLive = seen !== null && seen.sound.live && !foreign;
    if (foreign && !takeOver) {
      this.letGo();
      return "elsewhere";
    }
    if (seen && !recorder.before) recorder.before = 1000 * seen.sound.seconds;
    return null;
  }

  hold(steal) {
    if (!navigator.locks || this.release) return Promise.resolve(true);
    return new Promise((resolve) => {
      const held = navigator.locks.request(this.lock, steal ? { steal: true } : { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock === null ? null : new Promise((release) => { this.release = release; });
      });
      held.catch((error) => {
        if (error.name === "SecurityError") return resolve(true); // a frame without locks: the service tells them apart
        this.release = null; // another window of this browser has taken it
        return this.stopped("superseded");
      });
    });
  }

  letGo() {
    this.release?.();
    this.release = null;
  }

  /** Looks at the visit as long as this page may record it. */
  async follow() {
    const { recorder } = this;
    let told = false;
    while (!ENDED.includes(recorder.phase)) {
      await pause(EVERY);
      try {
        if (!recorder.sender.stopped) await recorder.sender.tell();
        await this.heed(await this.look());
        told = false;
      } catch (problem) {
        if (!problem.passing && !told) this.stopped("session", problem);
        told = told || !problem.passing;
      }
    }
  }

  async heed(seen) {
    const { recorder } = this;
    const { phase } = recorder;
    if (ENDED.includes(phase)) return;
    document.body.classList.toggle("masked", seen.locked);
    recorder.main.querySelector("[data-masked]").hidden = !seen.locked;
    this.looks += 1;
    if (seen.consent === "refused") await this.stopped("withdrawn");
    else if (!TAKING.includes(seen.state) && phase !== "finishing") await this.stopped("closed");
    else if (["elsewhere", "ready"].includes(phase)) {
      if (this.looks % 5 === 0) await this.adopt();
      const wanted = this.isForeign(seen) || (await this.isHeld()) ? "elsewhere" : "ready";
      if (recorder.phase === phase && wanted !== phase) recorder.set(wanted);
    }
  }

  /** The sender, the service or another window ends what goes on here. */
  async stopped(reason, problem = null, segment = null) {
    const { recorder } = this;
    if (ENDED.includes(recorder.phase)) return;
    // A piece of an earlier page is superseded by this very one.
    if (reason === "superseded" && segment && segment !== recorder.segment) return;
    if (reason === "withdrawn") await this.end("withdrawn");
    else if (reason === "finished") await this.finished();
    else if (reason === "superseded") await this.supersede();
    else if (reason === "elsewhere") await this.backOff();
    else if (reason === "unusable") {
      recorder.screen.trouble(problem);
      await this.end("over");
    } else if (reason === "closed") await this.closed(problem);
    else notify(problem);
  }

  async end(phase) {
    await this.recorder.drop(phase);
    this.letGo();
  }

  async finished() {
    const { recorder } = this;
    recorder.set("finished");
    this.letGo();
    await this.store.forgetVisit(recorder.visit);
    if (window.self !== window.top) location.assign(recorder.main.dataset.base);
  }

  async supersede() {
    const { recorder } = this;
    if (["superseded", "finishing"].includes(recorder.phase)) return;
    await recorder.endRun();
    recorder.mark = null;
    await this.endLeftovers();
    this.letGo();
    recorder.set("superseded");
  }

  /** Another device had begun before: the first seconds here are let go, anything longer is sent later. */
  async backOff() {
    const { recorder } = this;
    const { segment } = recorder;
    if (!recorder.run) return;
    segment.dropped = segment.count <= FEW;
    await recorder.endRun();
    if (segment.dropped) await recorder.sender.drop(segment);
    this.letGo();
    recorder.set("elsewhere");
  }

  async closed(problem) {
    const { recorder } = this;
    const seen = await this.look().catch(() => null);
    if (seen && !TAKING.includes(seen.state)) {
      await this.end("over");
      return;
    }
    if (problem) recorder.screen.trouble(problem);
    if (recorder.run && !recorder.sender.segments.includes(recorder.segment)) {
      recorder.segment.dropped = true;
      await recorder.endRun();
      this.letGo();
      recorder.set("lost");
    }
  }

  /** The patient withdraws: capture stops before anybody is asked whether that was meant. */
  async withdraw() {
    const { recorder } = this;
    const words = "Recording has stopped. What was recorded of this visit is deleted, here and at the scribe, and cannot be brought back. “Back” leaves the recording paused.";
    if (!(await this.ask({ title: "The patient withdraws?", words, yes: "Patient withdraws" }))) return;
    await this.end("withdrawn");
    await this.insist(() => send("POST", "consent", { form: { answer: "withdrawn", method: "verbal" } }), {
      title: "The scribe does not know of the withdrawal yet.",
      detail: "It is told as soon as there is a connection: keep this window open. Nothing is recorded meanwhile.",
    });
    recorder.hold();
  }

  async forget() {
    const words = "Recording has stopped. What was recorded of this visit with a microphone is deleted, here and at the scribe, and cannot be brought back. “Back” goes on recording.";
    if (!(await this.ask({ title: "Stop and forget the recording?", words, yes: "Stop and forget", goOn: true }))) return;
    await this.end("forgotten");
    await this.insist(async () => {
      const { recordings } = await send("GET", "recordings");
      for (const one of recordings.filter((piece) => piece.source === "microphone")) {
        await send("DELETE", `recordings/${one.recording_id}`);
      }
    }, {
      title: "The scribe has not deleted its part yet.",
      detail: "It is told as soon as there is a connection: keep this window open.",
    });
  }

  async ask(question) {
    const { recorder } = this;
    const running = recorder.phase === "recording";
    if (running) await recorder.rest("paused");
    const sure = await recorder.screen.confirm(question);
    // Whoever hesitates over a withdrawal is not recorded meanwhile: going on takes a press of its own.
    if (!sure && running && question.goOn && recorder.phase === "paused") await recorder.goOn();
    return sure;
  }

  /** Tries until the service has answered; says so as long as it has not. */
  async insist(work, words) {
    const { screen } = this.recorder;
    for (let tries = 0; ; tries += 1) {
      try {
        await work();
        screen.trouble(null);
        return;
      } catch (problem) {
        screen.trouble(problem.passing ? words : problem);
        if (!problem.passing) return;
      }
      await pause(PAUSES[Math.min(tries, PAUSES.length - 1)]);
    }
  }
}

/** The locks of this browser; a frame of another site may have none. */
async function listHeld() {
  const { held = [] } = (await navigator.locks?.query().catch(() => null)) ?? {};
  return held;
}
