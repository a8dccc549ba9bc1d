/* The way of the slices to the service. In: segments of the store. Out: acknowledged slices, whole segments.
   One at a time and in order, each until it is acknowledged; nothing leaves the store before. Never gives up. */

import { PAUSES } from "./recorder-state.js";
import { Problem, send, sendOnce } from "./wire.js";

const ANSWER = 20; // s after which an answer is not waited for any longer
const DONE = ["CAPTURED", "TRANSCRIBED", "DRAFTED", "SIGNED", "FILED"];
const REFUSALS = 5; // tries for a slice the service did not take as it came

/** Sends what `segments` hold. `onState({waiting, failing, full})` hears how it goes, `onStop(reason, problem)` what
    ends it: withdrawn, elsewhere, superseded, closed, piece, unusable, finished, session. */
export class Sender {
  constructor(store, { onState, onStop }) {
    this.store = store;
    this.segments = [];
    this.onState = onState;
    this.onStop = onStop;
    this.failures = 0;
    this.full = false;
    this.refused = null; // why the last piece that could not be used was left out
    this.refusals = 0;
    this.stopped = false;
    this.finishing = false;
    this.wake = null;
    this.news = false;
    window.addEventListener("online", () => this.hurry());
  }

  /** Takes a segment in, after those it has already. */
  add(segment) {
    if (!this.segments.includes(segment)) this.segments.push(segment);
    this.poke();
  }

  /** There is something new to send. A pause after a failure is not cut short. */
  poke() {
    this.news = true;
    if (!this.working) this.working = this.work();
    else if (this.resting) this.wake?.();
  }

  /** Tries at once, for instance because the network is back. */
  hurry() {
    this.wake?.();
  }

  /** Sends what is left, and then has the visit finished. */
  finish() {
    this.finishing = true;
    this.poke();
  }

  /** Sends nothing any more. */
  stop() {
    this.stopped = true;
    this.wake?.();
  }

  rest(length) {
    return new Promise((resolve) => {
      const timer = length ? setTimeout(resolve, length) : null;
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async work() {
    while (!this.stopped) {
      try {
        this.news = false;
        const moved = await this.step();
        if (moved) this.recover();
        // What came while this step was looking elsewhere is looked at before anything rests.
        if (moved || this.news) continue;
        this.resting = true;
        await this.rest();
        this.resting = false;
      } catch (error) {
        const problem = error instanceof Problem ? error : new Problem(0, { title: "Not sent", detail: "" });
        await this.wait(problem);
      }
    }
  }

  async wait(problem) {
    const length = PAUSES[Math.min(this.failures, PAUSES.length - 1)];
    this.failures += 1;
    await this.tell(problem);
    if (!this.stopped) await this.rest(length);
  }

  recover() {
    this.refusals = 0;
    if (this.failures) {
      this.failures = 0;
      this.tell();
    }
  }

  async tell(problem = null) {
    let waiting = 0;
    for (const segment of this.segments) waiting += await this.store.waiting(segment).catch(() => 1);
    if (problem) this.full = problem.slug === "no-space";
    this.onState({ waiting, failing: this.failures > 0, full: this.failures > 0 && this.full });
  }

  /** Does the next thing there is to do; says whether there was one. */
  async step() {
    for (const segment of [...this.segments]) {
      if (this.stopped) return false;
      if (await this.advance(segment)) return true;
    }
    if (!this.finishing || this.stopped || this.segments.some((one) => one.blocked)) return false;
    await this.end();
    return false;
  }

  async advance(segment) {
    if (segment.blocked) return false;
    try {
      if (!segment.recording) return await this.open(segment);
      const mark = segment.marks.find((one) => one.sent !== one.missing_ms);
      if (mark) return await this.sendMark(segment, mark);
      const slice = await this.store.next(segment);
      if (slice) return await this.sendSlice(segment, slice);
      return segment.ended ? await this.close(segment) : false;
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.passing) throw problem;
      return this.settle(segment, problem);
    }
  }

  async open(segment) {
    if (segment.ended && !(await this.store.waiting(segment))) return this.drop(segment);
    const json = { source: "microphone", two_sided: segment.twoSided, take_over: segment.takeOver };
    if (segment.missing !== null) json.missing_ms = segment.missing;
    const opened = await send("POST", "recordings", { json, seconds: ANSWER });
    segment.recording = opened.recording_id;
    segment.token = opened.upload_token;
    await this.store.save(segment);
    return true;
  }

  async sendMark(segment, mark) {
    const { number, kind, at_ms, missing_ms } = mark;
    const json = { kind, at_ms, missing_ms };
    try {
      await this.put(segment, `marks/${number}`, { json });
    } catch (problem) {
      // A mark the service cannot take does not cost the sound it stands in.
      if (problem.status !== 400 && problem.status !== 422) throw problem;
    }
    mark.sent = missing_ms;
    await this.store.save(segment);
    return true;
  }

  async sendSlice(segment, { seq, bytes }) {
    const digest = base64(await crypto.subtle.digest("SHA-256", bytes));
    let state = "";
    await this.put(segment, `chunks/${seq}`, {
      body: bytes,
      headers: { "Content-Type": "application/octet-stream", "Content-Digest": `sha-256=:${digest}:` },
      heed: (headers) => { state = headers.get("recording-state") || ""; },
    });
    await this.store.remove(segment, seq);
    if (state === "superseded" && !segment.superseded) {
      segment.superseded = true;
      this.onStop("superseded", null, segment);
    }
    return true;
  }

  put(segment, path, options) {
    const headers = { ...options.headers, Authorization: `Upload ${segment.token}` };
    return sendOnce("PUT", `/recordings/${segment.recording}/${path}`, { ...options, headers, seconds: ANSWER });
  }

  /** All of this segment has arrived: the visit goes on taking sound, unless it was the last one. */
  async close(segment) {
    if (!segment.count) return this.drop(segment);
    const last = this.finishing && this.segments.length === 1;
    const headers = { Authorization: `Upload ${segment.token}` };
    const json = { chunks: segment.count, more: !last };
    try {
      await sendOnce("POST", `/recordings/${segment.recording}/close`, { json, headers, seconds: 6 * ANSWER });
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.passing || problem.status === 403) throw problem;
      // One piece that cannot be read, such as half a second at the end, does not cost the others.
      await this.drop(segment);
      this.refused = problem;
      this.onStop("piece", problem);
      return true;
    }
    await this.drop(segment);
    if (last) {
      this.stopped = true;
      this.onStop("finished");
    }
    return true;
  }

  async drop(segment) {
    this.segments = this.segments.filter((one) => one !== segment);
    await this.store.forget(segment);
    return true;
  }

  /** Nothing is left to send: the visit is finished with what has arrived. */
  async end() {
    try {
      await send("POST", "finish", { seconds: 6 * ANSWER });
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.passing) throw problem;
      if (problem.status === 401 || problem.status === 404) {
        this.finishing = false;
        this.onStop("session", problem);
        return;
      }
      if (problem.status === 409 && !this.refused) {
        const { state } = await sendOnce("GET", "recorder/watch", { seconds: ANSWER });
        // Another window added something meanwhile: it is finished again. Else an answer was lost, and it is done.
        if (state === "CAPTURING") throw new Problem(0, { title: problem.title, detail: problem.detail });
        if (DONE.includes(state)) {
          this.stopped = true;
          this.onStop("finished");
          return;
        }
      }
      this.stopped = true;
      this.onStop("unusable", this.refused ?? problem);
      return;
    }
    this.stopped = true;
    this.onStop("finished");
  }

  /** The service said no. Says whether there is a way on. */
  async settle(segment, problem) {
    if (problem.slug === "recorded-elsewhere") {
      this.onStop("elsewhere", problem);
      throw new Problem(0, { title: problem.title, detail: problem.detail });
    }
    let consent;
    try {
      ({ consent } = await sendOnce("GET", "recorder/watch", { seconds: ANSWER }));
    } catch (other) {
      if (other.passing) throw other;
      segment.blocked = true;
      this.onStop("session", other);
      return false;
    }
    if (consent === "refused") {
      this.stopped = true;
      this.onStop("withdrawn", problem);
      return false;
    }
    if (problem.status === 400 || problem.status === 422) {
      // Damaged on its way: the same slice is sent again.
      this.refusals += 1;
      if (this.refusals < REFUSALS) throw new Problem(0, { title: problem.title, detail: problem.detail });
    }
    if (problem.status === 403 && segment.recording && !segment.renewed) return this.renew(segment);
    if (problem.status !== 409) {
      // Nothing here says that the sound is not wanted: it is kept until another page, or another launch, can send it.
      segment.blocked = true;
      this.onStop("session", problem);
      return false;
    }
    await this.drop(segment);
    this.onStop("closed", problem);
    return true;
  }

  /** The token was changed meanwhile, or is too old: this launch's session gets a new one, once. */
  async renew(segment) {
    const { upload_token: token } = await send("POST", `recordings/${segment.recording}/token`, { seconds: ANSWER });
    segment.renewed = true;
    segment.token = token;
    await this.store.save(segment);
    return true;
  }
}

const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
