/* Editing the note in place. One sentence is open at a time; what is typed is saved by itself, and after every change
   the service draws note, findings and text to be signed anew. */

import { Draft } from "./draft.js";
import { drawAnew, element, holdPage, notify, say } from "./shell.js";
import { fetchPage } from "./wire.js";

const IDLE = 2000; // ms of rest after typing before an open sentence is saved
const AGAIN = 3000; // ms before the page asks once more for what it could not draw
const STATES = {
  saved: "Saved",
  saving: "Saving…",
  typing: "Not saved yet",
  failed: "Not saved – retrying",
  stopped: "Not saved",
};

export class Editor {
  constructor(main, signal, { onOpen }) {
    this.main = main;
    this.signal = signal;
    this.onOpen = onOpen;
    this.open = null;
    this.stale = false; // whether findings and the text to be signed are of an earlier revision
    this.draft = this.readDraft();
    this.dress();
    main.addEventListener("click", (event) => this.clicked(event), { signal });
    main.addEventListener("keydown", (event) => this.pressed(event), { signal });
    window.addEventListener("online", () => this.draft.hurry(), { signal });
  }

  part() {
    return this.main.querySelector("#note-part");
  }

  readDraft() {
    const sections = {};
    for (const section of this.part().querySelectorAll("[data-section]")) {
      sections[section.dataset.section] = [...section.querySelectorAll("[data-sentence]")].map((row) => ({
        id: row.dataset.sentence,
        text: row.querySelector("[data-text]").textContent,
      }));
    }
    const revision = Number(this.part().querySelector("[data-revision]").dataset.revision);
    return new Draft(revision, sections, (state, problem) => this.show(state, problem));
  }

  /** Shows the tools that need this script. */
  dress() {
    for (const tool of this.part().querySelectorAll("[data-tools], [data-add]")) tool.hidden = false;
    this.part().querySelector("[data-undo]").hidden = !this.draft.past.length;
  }

  /** Resolves once every edit is saved, closing an open sentence first. */
  async settle() {
    if (this.open) this.keep();
    if (this.draft.working) await this.draft.working;
    if (!this.draft.settled) throw { title: "Not saved", detail: "The last change has not been saved yet." };
  }

  show(state, problem) {
    const line = this.part().querySelector("[data-saved]");
    const before = line.dataset.savedState;
    const shown = state === "saved" && this.open?.changed ? "typing" : state;
    line.dataset.savedState = shown;
    line.textContent = STATES[shown];
    holdPage("note", shown !== "saved");
    this.block(shown !== "saved" || this.open !== null || this.stale);
    if (shown === "failed" && before !== "failed") say("Not saved. Trying again. Your text is kept on this page.");
    if (shown === "saved" && before === "failed") say("Saved.");
    if (shown === "stopped") this.explain(problem);
    if (shown === "saved" && !this.open && this.stale) this.redraw();
  }

  explain(problem) {
    if (problem.status !== 409) {
      notify(problem);
      return;
    }
    const notice = notify({
      title: "The note could not be saved.",
      detail: `${problem.detail} Your text is still on this page: copy what you need of it first.`,
    });
    const load = element("button", "button button--small", "Load the saved note");
    load.type = "button";
    load.addEventListener("click", () => {
      holdPage("note", false);
      notice.remove();
      drawAnew().catch(notify);
    });
    notice.append(load);
  }

  /** Nothing is signed while the page holds something the service does not. */
  block(blocked) {
    this.main.querySelector("[data-sign]")?.dispatchEvent(new CustomEvent("sign:block", { detail: blocked }));
  }

  async redraw() {
    let page;
    try {
      page = await fetchPage();
    } catch {
      // The note is saved; until its new text is shown as well, nothing can be signed.
      setTimeout(() => { if (!this.signal.aborted && this.draft.settled) this.show("saved"); }, AGAIN);
      return;
    }
    if (this.signal.aborted || this.open || !this.draft.settled) return;
    if (page.getElementById("main").dataset.panel !== "review") {
      await drawAnew();
      return;
    }
    this.stale = false;
    const focus = describeFocus(this.main);
    const lit = this.main.querySelector(".sentence--lit")?.id;
    for (const id of ["redraft-part", "note-part", "sign-part"]) {
      this.main.querySelector(`#${id}`).replaceWith(document.importNode(page.getElementById(id), true));
    }
    const past = this.draft.past;
    this.draft = this.readDraft();
    this.draft.past = past;
    this.dress();
    if (lit) this.main.querySelector(`#${CSS.escape(lit)}`)?.classList.add("sentence--lit");
    restoreFocus(this.main, focus);
    document.dispatchEvent(new CustomEvent("note:drawn"));
  }

  clicked(event) {
    const target = event.target;
    const row = target.closest("[data-sentence]");
    if (target.closest("[data-edit]") && row) this.edit(row);
    else if (target.closest("[data-delete]") && row) this.remove(row);
    else if (target.closest("[data-add]")) this.add(target.closest("[data-section]"));
    else if (target.closest("[data-undo]")) this.undo();
    else if (target.closest("[data-keep]")) this.keep();
    else if (target.closest("[data-drop]")) this.drop();
  }

  pressed(event) {
    const typing = event.target.closest(".editor");
    if (typing && event.key === "Escape") {
      event.preventDefault();
      this.drop();
    } else if (typing && event.key === "Enter" && event.target.matches("textarea") && !event.isComposing) {
      event.preventDefault();
      this.keep();
    } else if (!typing && event.key.toLowerCase() === "e" && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const row = event.target.closest("[data-sentence]");
      if (!row) return;
      event.preventDefault();
      this.edit(row);
    }
  }

  itemOf(row) {
    const items = this.draft.sections[row.closest("[data-section]").dataset.section];
    return items.find((item) => item.row === row || item.id === row.dataset.sentence);
  }

  edit(row) {
    if (this.open?.row === row) return;
    if (this.open) this.keep();
    const item = this.itemOf(row);
    if (!item) return;
    this.onOpen();
    const box = buildEditor(item.text);
    row.querySelector(".sentence__row").hidden = true;
    row.prepend(box);
    this.open = { row, item, box, before: item.text, changed: false, remembered: false, added: false };
    const text = box.querySelector("textarea");
    text.addEventListener("input", () => this.typed(text.value));
    text.focus();
    text.setSelectionRange(text.value.length, text.value.length);
    this.block(true);
  }

  add(section) {
    if (this.open) this.keep();
    this.onOpen();
    const remembered = this.draft.remember();
    const row = element("li", "sentence");
    const item = { id: null, text: "", row };
    this.draft.sections[section.dataset.section].push(item);
    section.querySelector(".sentences__none")?.remove();
    section.querySelector(".sentences").append(row);
    const box = buildEditor("");
    row.append(box);
    this.open = { row, item, box, before: "", changed: false, remembered: true, added: true, undoable: remembered };
    const text = box.querySelector("textarea");
    text.addEventListener("input", () => this.typed(text.value));
    text.focus();
    this.block(true);
  }

  typed(value) {
    const open = this.open;
    open.changed = value !== open.item.text;
    this.show("typing");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.open === open && value.trim()) this.take(value);
    }, IDLE);
  }

  /** Makes the open sentence's text part of the note and sends it. */
  take(value) {
    const open = this.open;
    if (value === open.item.text) return;
    if (!open.remembered) this.draft.remember();
    open.remembered = true;
    open.item.text = value;
    open.changed = false;
    this.send();
  }

  send() {
    this.stale = true;
    this.draft.save();
  }

  /** Has note and findings drawn anew once nothing is open: the transcript they rest on was corrected. */
  refresh() {
    this.stale = true;
    if (this.draft.settled) this.show("saved");
  }

  /** Closes the open sentence with what was typed. */
  keep() {
    const { row, item, box, undoable } = this.open;
    const value = box.querySelector("textarea").value.trim();
    clearTimeout(this.timer);
    if (value || item.text) this.take(value);
    else this.forget(item, undoable);
    this.close(row, item);
    if (this.draft.settled) this.show("saved");
  }

  /** Closes the open sentence as it was before it was opened. */
  drop() {
    const { row, item, before, added, undoable } = this.open;
    clearTimeout(this.timer);
    if (item.text !== before) {
      item.text = before;
      this.send();
    }
    if (added) this.forget(item, undoable);
    this.close(row, item);
    if (this.draft.settled) this.show("saved");
  }

  forget(item, undoable) {
    for (const [key, items] of Object.entries(this.draft.sections)) {
      this.draft.sections[key] = items.filter((one) => one !== item);
    }
    if (undoable) this.draft.past.pop();
  }

  close(row, item) {
    this.open.box.remove();
    this.open = null;
    const shown = row.querySelector(".sentence__row");
    if (shown) {
      shown.hidden = false;
      shown.querySelector("[data-text]").textContent = item.text;
      row.hidden = !item.text;
      (row.querySelector("a[data-text]") || row.querySelector("[data-edit]")).focus();
    } else if (item.text) {
      row.append(element("span", "sentence__text", item.text));
      row.closest("[data-section]").querySelector("[data-add]").focus();
    } else {
      row.closest("[data-section]").querySelector("[data-add]").focus();
      row.remove();
    }
  }

  remove(row) {
    if (this.open) this.keep();
    const item = this.itemOf(row);
    if (!item) return;
    this.draft.remember();
    const next = row.nextElementSibling || row.previousElementSibling;
    item.text = "";
    row.hidden = true;
    (next?.querySelector("[data-delete]") || row.closest("[data-section]").querySelector("[data-add]")).focus();
    say("Sentence deleted. Undo brings it back.");
    this.send();
  }

  undo() {
    if (this.open) this.keep();
    if (!this.draft.undo()) return;
    say("The last change is undone.");
    this.send();
  }
}

function buildEditor(value) {
  const box = element("div", "editor");
  const label = element("label");
  const hint = element("span", "unseen", "Text of the sentence. Enter saves, Escape cancels.");
  const text = element("textarea");
  text.value = value;
  text.rows = Math.min(6, Math.max(2, Math.ceil(value.length / 50)));
  text.maxLength = 4000;
  label.append(hint, text);
  const buttons = element("div", "buttons");
  const keep = element("button", "button button--main", "Save");
  keep.dataset.keep = "";
  const drop = element("button", "button", "Cancel");
  drop.dataset.drop = "";
  keep.type = drop.type = "button";
  buttons.append(keep, drop, element("span", "quiet", "Enter saves, Esc cancels"));
  box.append(label, buttons);
  return box;
}

const HANDLES = ["data-edit", "data-delete", "data-text", "data-add", "data-undo", "data-copy"];

function describeFocus(main) {
  const held = document.activeElement;
  if (!main.contains(held)) return null;
  const handle = HANDLES.find((name) => held.closest(`[${name}]`));
  return handle ? { handle, row: held.closest("[data-sentence]")?.id, section: held.closest("[data-section]")?.dataset.section } : null;
}

function restoreFocus(main, focus) {
  if (!focus || main.contains(document.activeElement)) return;
  const within = (focus.row && main.querySelector(`#${CSS.escape(focus.row)}`))
    || (focus.section && main.querySelector(`[data-section="${CSS.escape(focus.section)}"]`))
    || main;
  const found = within.querySelector(`[${focus.handle}]`) || within.querySelector("button:not([hidden])");
  (found?.matches("form") ? found.querySelector("button") : found)?.focus({ preventScroll: true });
}
