/* What a recorder knows without a microphone: its phases and their words, how much sound it has, what is missing.
   In: times in ms. Out: plain values. Never touches the page, the network or a store. */

/** How long to wait before a request is tried again: 1, 2, 4, 8 and then 15 s. */
export const PAUSES = [1000, 2000, 4000, 8000, 15000];
export const SLICE = 1000; // ms of sound in one slice
export const SLEPT = 5000; // ms by which the clock may run ahead of the sound before a gap is marked
export const SILENT = 20000; // ms without a sound after which the page asks about the microphone
const LONGEST = 48 * 3600 * 1000; // ms of the longest gap the service takes
const QUIETEST = 0.003; // root mean square below which nothing is heard, -50 dBFS
const FLOOR = -60; // dBFS at which the level meter is empty

/** Each phase: what the page says, what the large control does, and whether sound is captured. */
export const PHASES = {
  ready: { words: "Not recording", control: "Record", sound: false },
  asking: { words: "Asking the browser for the microphone…", control: null, sound: false },
  recording: { words: "Recording", control: "Pause", sound: true },
  paused: { words: "Paused. Nothing is recorded.", control: "Resume", sound: false },
  off: { words: "Off the record. Nothing is recorded.", control: "Back on the record", sound: false },
  lost: { words: "The microphone is gone. Nothing is recorded.", control: "Go on recording", sound: false },
  finishing: { words: "Sending what is left…", control: null, sound: false },
  finished: { words: "Finished", control: null, sound: false },
  elsewhere: { words: "This visit is being recorded in another window", control: "Record here instead", sound: false },
  superseded: { words: "Recording goes on in another window. Nothing is recorded here.", control: "Record here instead", sound: false },
  withdrawn: { words: "Consent was withdrawn. Nothing is recorded.", control: null, sound: false },
  forgotten: { words: "Stopped and forgotten", control: "Begin again", sound: false },
  over: { words: "This visit takes no more sound", control: null, sound: false },
  unable: { words: "Nothing can be recorded here", control: null, sound: false },
};

/** How long nothing was captured between two moments, as the service takes it: whole, more than nothing. */
export const spanOf = (from, to) => Math.round(Math.min(LONGEST, Math.max(1, to - from)));

/** Phases in which something of this visit is under way: leaving the page then is asked about. */
export const isUnderWay = (phase) => ["recording", "paused", "off", "lost", "finishing"].includes(phase);

/** 192000 as "03:12", from an hour on as "1:03:12". */
export function showClock(ms) {
  const whole = Math.max(0, Math.floor(ms / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${two(minutes)}:${two(whole % 60)}`;
}

/** 192000 as "3 min 12 s", for sentences. */
export function tellLength(ms) {
  const whole = Math.max(0, Math.round(ms / 1000));
  if (whole < 60) return `${whole} s`;
  return whole < 3600 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** The title of the window: what is going on, never whose visit it is. */
export function titleOf(phase, ms) {
  if (phase === "recording") return `● Recording ${showClock(ms)} – Scribe`;
  if (phase === "paused") return `‖ Paused ${showClock(ms)} – Scribe`;
  if (phase === "off") return `‖ Off the record ${showClock(ms)} – Scribe`;
  if (phase === "lost") return "⚠ Not recording – Scribe";
  return phase === "finished" ? "Finished – Scribe" : "Recorder – Scribe";
}

/** Counts the sound of one run of the recorder and notices what is missing of it.
    `now` is the clock on the wall; `heard` what the sound hardware has played out, which stands still while the computer
    sleeps, or null where nobody knows: then a slice counts as what it should hold. All in ms. */
export class Timeline {
  constructor(now, heard) {
    this.captured = 0;
    this.running = true;
    this.set(now, heard);
  }

  set(now, heard) {
    this.now = now;
    this.heard = heard;
  }

  /** A slice came. Returns the gap before it as a mark, or null. */
  slice(now, heard) {
    const passed = Math.max(0, now - this.now);
    const sound = this.soundSince(now, heard);
    const at = this.captured;
    this.captured += sound;
    this.set(now, heard);
    const missing = passed - sound;
    return missing > SLEPT ? { kind: "gap", at_ms: Math.round(at), missing_ms: spanOf(0, missing) } : null;
  }

  /** What was captured up to this moment, for the page. */
  reading(now, heard) {
    return this.running ? this.captured + this.soundSince(now, heard) : this.captured;
  }

  soundSince(now, heard) {
    const passed = Math.max(0, now - this.now);
    if (passed <= 2 * SLICE) return passed;
    const known = heard !== null && this.heard !== null && heard >= this.heard;
    return known ? Math.min(passed, heard - this.heard) : 2 * SLICE;
  }

  pause(now, heard) {
    if (!this.running) return;
    this.captured += this.soundSince(now, heard);
    this.running = false;
    this.set(now, heard);
  }

  resume(now, heard) {
    this.running = true;
    this.set(now, heard);
  }
}

/** How loud samples from -1 to 1 are: `level` from 0 to 1 for the meter, `heard` whether there is anything at all. */
export function measure(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const mean = Math.sqrt(sum / (samples.length || 1));
  const decibels = mean > 0 ? 20 * Math.log10(mean) : -Infinity;
  return { level: Math.min(1, Math.max(0, 1 - decibels / FLOOR)), heard: mean > QUIETEST };
}

/** Notices when nothing has been heard for 20 s of recording. */
export class SilenceWatch {
  constructor(now) {
    this.since = now;
  }

  /** Whether the page should ask about the microphone. */
  hear(now, heard) {
    if (heard) this.since = now;
    return now - this.since >= SILENT;
  }
}

/** What went wrong with the microphone, and what to do about it; always with the other ways. */
export function explainMicrophone(name, { framed = false } = {}) {
  const explained = {
    insecure: ["This page is not secure", "Browsers give the microphone only to pages with https. Tell whoever runs the scribe."],
    recorder: ["This browser cannot record", "Use a current Chrome, Edge, Firefox or Safari, and open the scribe there."],
    NotAllowedError: framed
      ? ["The microphone is not allowed here", "The EHR or the browser keeps it from this panel. Record in a window of its own, or allow it in the browser's settings for this page and press Record again."]
      : ["The microphone was refused", "Allow it: press the sign beside the address, choose Microphone, Allow, then press Record again."],
    NotFoundError: ["No microphone was found", "Connect one, or switch it on, then press Record again."],
    NotReadableError: ["The microphone is in use or does not answer", "Close other programs that use it, such as a video call, or choose another one below, then press Record again."],
    AbortError: ["The microphone did not start", "Connect it again or choose another one below, then press Record again."],
  };
  explained.SecurityError = explained.NotAllowedError;
  const [title, what] = explained[name] || explained.AbortError;
  return { title, detail: `${what} You can also bring in a file or type the visit.` };
}
