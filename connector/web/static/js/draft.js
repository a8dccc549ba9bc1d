/* The note as it is being edited, and its way to the service. In: edits. Out: saved revisions.
   Unsaved text lives in this page's memory only, and is sent again until it has arrived. */

import { Problem, send } from "./wire.js";

const PAUSES = [1000, 2000, 4000, 8000, 15000];

export class Draft {
  /** `sections`: arrays of {id, text} by section key, as the page shows them. `onState` hears how saving goes. */
  constructor(revision, sections, onState) {
    this.revision = revision;
    this.sections = sections;
    this.onState = onState;
    this.dirty = false;
    this.stopped = false;
    this.working = null;
    this.past = [];
  }

  /** Whether everything the clinician entered has arrived. */
  get settled() {
    return !this.dirty && !this.working && !this.stopped;
  }

  /** Remembers the note as it is, so that the change about to be made can be undone; says whether that was news. */
  remember() {
    const now = this.wire();
    const known = JSON.stringify(now) === JSON.stringify(this.past.at(-1));
    if (!known) this.past.push(now);
    return !known;
  }

  /** Puts the note before the last change back. A sentence that was deleted comes back as the clinician's own. */
  undo() {
    const before = this.past.pop();
    if (!before) return false;
    const known = new Set(Object.values(this.sections).flat().map((item) => item.id));
    for (const [key, items] of Object.entries(before)) {
      this.sections[key] = items.map((item) => ({ id: known.has(item.id) ? item.id : null, text: item.text }));
    }
    return true;
  }

  /** Saves the note; resolves once nothing is left to save, or saving has been given up. */
  save() {
    this.dirty = true;
    this.stopped = false;
    this.working ??= this.work().finally(() => { this.working = null; });
    return this.working;
  }

  /** Stops waiting for the next try, for instance because the network is back. */
  hurry() {
    this.wake?.();
  }

  wire() {
    const sections = Object.entries(this.sections);
    return Object.fromEntries(sections.map(([key, items]) => [key, items.map(({ id, text }) => ({ id, text }))]));
  }

  async work() {
    let failures = 0;
    while (this.dirty && !this.stopped) {
      this.dirty = false;
      this.onState(failures ? "failed" : "saving");
      const sent = Object.fromEntries(Object.entries(this.sections).map(([key, items]) => [key, items.filter(hasText)]));
      try {
        const json = { revision: this.revision, sections: this.wire() };
        this.adopt(await send("POST", "note", { json }), sent);
        failures = 0;
      } catch (error) {
        this.dirty = true;
        const problem = error instanceof Problem ? error : new Problem(0);
        if (problem.status === 409 && (await this.isOurs(sent))) continue;
        if (!problem.passing) {
          this.stopped = true;
          this.onState("stopped", problem);
          return;
        }
        this.onState("failed", problem);
        await this.pause(PAUSES[Math.min(failures, PAUSES.length - 1)]);
        failures += 1;
      }
    }
    this.onState("saved");
  }

  pause(length) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, length);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  adopt(answer, sent) {
    this.revision = answer.revision;
    for (const section of answer.sections) {
      const items = sent[section.key] ?? [];
      if (items.length === section.sentences.length) {
        items.forEach((item, place) => { item.id = section.sentences[place].id; });
      }
    }
  }

  /** After a lost answer the newer revision may be our own: then it is taken over and nothing was in conflict. */
  async isOurs(sent) {
    try {
      const theirs = await send("GET", "note");
      const same = theirs.sections.every((section) => plain(section.sentences) === plain(sent[section.key] ?? []));
      if (same && theirs.revision > this.revision) {
        this.adopt(theirs, sent);
        this.dirty = !sameTexts(this.sections, sent);
        return true;
      }
    } catch {
      return false;
    }
    return false;
  }
}

const hasText = (item) => item.text.trim() !== "";
const squeeze = (text) => text.trim().replace(/\s+/gu, " ");
const plain = (items) => JSON.stringify(items.filter(hasText).map((item) => squeeze(item.text)));

function sameTexts(sections, sent) {
  return Object.keys(sections).every((key) => plain(sections[key]) === plain(sent[key] ?? []));
}
