/* Microphones and what comes out of them. In: the clinician's choice. Out: slices of sound, a level, a name.
   The check of the microphone never leaves the browser; sound of a shared tab is a channel of its own, its picture is dropped. */

import { measure, SLICE } from "./recorder-state.js";

const FORMAT = "audio/webm;codecs=opus";
const CHOICE = "scribe-microphone"; // the microphone chosen last, by its id in this browser
const CHECK = 3000; // ms

/** Why this browser cannot record at all, as a name that recorder-state explains, or null. */
export function findObstacle() {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) return "insecure";
  if (!window.MediaRecorder || !MediaRecorder.isTypeSupported(FORMAT) || !window.crypto?.subtle) return "recorder";
  return null;
}

/** Whether this browser can give the sound of another tab. */
export const canShareTab = () => Boolean(navigator.mediaDevices?.getDisplayMedia) && isAllowed("display-capture");

/** Whether the page around this one, and our own, allow a feature. */
export function isAllowed(feature) {
  const policy = document.permissionsPolicy || document.featurePolicy;
  return policy ? policy.allowsFeature(feature) : true;
}

export const chosenMicrophone = () => read(CHOICE);
export const chooseMicrophone = (id) => keep(CHOICE, id);

/** The microphones of this computer; they have names only once one was allowed. */
export async function listMicrophones() {
  const all = await navigator.mediaDevices.enumerateDevices();
  return all.filter((one) => one.kind === "audioinput" && one.deviceId !== "communications");
}

/** Opens the chosen microphone, or any where that one is gone. `twoSided`: loudspeakers carry the other side as well. */
export async function openMicrophone({ twoSided = false } = {}) {
  const wanted = { channelCount: 1, echoCancellation: twoSided, noiseSuppression: false, autoGainControl: true };
  const id = chosenMicrophone();
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: id ? { ...wanted, deviceId: { exact: id } } : wanted });
  } catch (error) {
    if (!id || !["OverconstrainedError", "NotFoundError"].includes(error.name)) throw error;
    return navigator.mediaDevices.getUserMedia({ audio: wanted });
  }
}

/** The sound of a tab the clinician picks, or null where it comes without sound. Throws where none was picked. */
export async function openTab() {
  const shared = await navigator.mediaDevices.getDisplayMedia({
    video: true,
    audio: { suppressLocalAudioPlayback: false },
    selfBrowserSurface: "exclude",
    systemAudio: "include",
  });
  for (const track of shared.getVideoTracks()) {
    track.stop();
    shared.removeTrack(track);
  }
  return shared.getAudioTracks().length ? shared : null;
}

/** One microphone, alone or beside the sound of a tab, being recorded in slices. */
export class Run {
  /** `onSlice(bytes)` gets each slice in order, `onEnd()` is told when the microphone goes away by itself,
      `onTabEnd()` when the tab is shared no longer. */
  constructor(microphone, tab, { onSlice, onEnd, onTabEnd }) {
    this.microphone = microphone;
    this.tab = tab;
    this.context = new AudioContext();
    this.context.resume().catch(() => {});
    this.analyser = new AnalyserNode(this.context, { fftSize: 4096 });
    this.samples = new Float32Array(this.analyser.fftSize);
    const source = this.context.createMediaStreamSource(microphone);
    source.connect(this.analyser);
    this.recorder = new MediaRecorder(tab ? this.mix(source) : microphone, {
      mimeType: FORMAT,
      audioBitsPerSecond: tab ? 64000 : 32000,
    });
    this.recorder.addEventListener("dataavailable", (event) => { if (event.data.size) onSlice(event.data); });
    microphone.getAudioTracks()[0].addEventListener("ended", onEnd);
    this.recorder.addEventListener("error", onEnd);
    tab?.getAudioTracks()[0].addEventListener("ended", onTabEnd);
  }

  /** Two channels: the microphone left, the tab right. */
  mix(source) {
    const both = new ChannelMergerNode(this.context, { numberOfInputs: 2 });
    const out = new MediaStreamAudioDestinationNode(this.context, { channelCount: 2 });
    const mono = () => new GainNode(this.context, { channelCount: 1, channelCountMode: "explicit" });
    source.connect(mono()).connect(both, 0, 0);
    this.context.createMediaStreamSource(this.tab).connect(mono()).connect(both, 0, 1);
    both.connect(out);
    return out.stream;
  }

  /** The name of the microphone that is being used. */
  get name() {
    return this.microphone.getAudioTracks()[0]?.label || "Microphone";
  }

  get device() {
    return this.microphone.getAudioTracks()[0]?.getSettings().deviceId || "";
  }

  /** How much sound the hardware has played out, in ms, or null where it has not begun. */
  get heard() {
    return this.context.state === "running" ? this.context.currentTime * 1000 : null;
  }

  start() {
    this.recorder.start(SLICE);
  }

  /** Captures nothing until `resume`; what was captured up to now comes as a slice. */
  pause() {
    if (this.recorder.state !== "recording") return;
    this.recorder.requestData();
    this.recorder.pause();
    this.listen(false);
  }

  resume() {
    if (this.recorder.state !== "paused") return;
    this.listen(true);
    this.recorder.resume();
  }

  listen(on) {
    for (const stream of [this.microphone, this.tab]) {
      for (const track of stream?.getAudioTracks() ?? []) track.enabled = on;
    }
  }

  /** How loud it is just now. */
  level() {
    this.analyser.getFloatTimeDomainData(this.samples);
    return measure(this.samples);
  }

  /** Ends the run; resolves once its last slice was given away. `keepTab`: another run goes on with the tab. */
  async stop({ keepTab = false } = {}) {
    if (this.recorder.state !== "inactive") {
      await new Promise((resolve) => {
        this.recorder.addEventListener("stop", resolve, { once: true });
        this.recorder.stop();
      });
    }
    this.release({ keepTab });
  }

  /** Lets the microphone go, and the tab unless it is kept. */
  release({ keepTab = false } = {}) {
    for (const stream of [this.microphone, keepTab ? null : this.tab]) {
      for (const track of stream?.getTracks() ?? []) track.stop();
    }
    if (this.context.state !== "closed") this.context.close().catch(() => {});
  }
}

/** Records three seconds and returns them as an address to be played; `onLevel` hears how loud it is meanwhile. */
export async function checkMicrophone(onLevel) {
  const microphone = await openMicrophone();
  const parts = [];
  const run = new Run(microphone, null, { onSlice: (part) => parts.push(part), onEnd() {}, onTabEnd() {} });
  let loudest = 0;
  run.start();
  const look = setInterval(() => {
    const { level } = run.level();
    loudest = Math.max(loudest, level);
    onLevel(level);
  }, 100);
  await new Promise((resolve) => { setTimeout(resolve, CHECK); });
  clearInterval(look);
  const { name } = run;
  await run.stop();
  return { address: URL.createObjectURL(new Blob(parts, { type: FORMAT })), name, loudest };
}

/** Keeps the screen on while something is recorded, where the browser can. */
export class Wake {
  constructor() {
    document.addEventListener("visibilitychange", () => { if (this.wanted && document.visibilityState === "visible") this.ask(); });
  }

  hold(wanted) {
    if (this.wanted === wanted) return;
    this.wanted = wanted;
    if (wanted) this.ask();
    else this.lock?.release().catch(() => {});
  }

  async ask() {
    if (!isAllowed("screen-wake-lock")) return;
    this.lock = await navigator.wakeLock?.request("screen").catch(() => null);
    if (!this.wanted) this.lock?.release().catch(() => {});
  }
}

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}
