/* Corrections of the transcript without loading the page again: speakers, turns, words. Every form here also works as
   a plain form, and the forms of a turn also stand on a page of their own. */

import { clearNotices, drawAnew, holdPage, notify, say } from "./shell.js";
import { fetchPage, send } from "./wire.js";

const PARTS = ["said-part", "redraft-part", "question"];
const FIELDS = "[data-correction] :is(textarea, input[type=text], select)";

/** Takes over the corrections inside `main`; `drawn` is called when the transcript was drawn anew. */
export function enableCorrections(main, signal, drawn) {
  main.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-correction]")) return;
    event.preventDefault();
    correct(main, event.target, drawn);
  }, { signal });
  main.addEventListener("click", (event) => {
    const link = event.target.closest("[data-turn-forms]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    toggle(link).catch(notify);
  }, { signal });
  main.addEventListener("keydown", (event) => {
    const forms = event.target.closest("[data-forms-of]");
    if (event.key !== "Escape" || !forms) return;
    event.preventDefault();
    toggle(main.querySelector(`[data-turn-forms="${CSS.escape(forms.dataset.formsOf)}"]`)).catch(notify);
  }, { signal });
  main.addEventListener("input", (event) => {
    agree(event.target);
    guard(main);
  }, { signal });
  guard(main);
}

/** Somebody of the list, or somebody else who is named: never both. */
function agree(box) {
  const speaker = box.form?.elements.speaker;
  const role = box.form?.elements.role;
  if (!speaker?.options || !role) return;
  if (box === role && role.value.trim()) speaker.value = "";
  if (box === speaker && speaker.value) role.value = "";
}

/** Words typed for a turn and not saved are not lost by leaving the page unasked, nor by a draft that comes meanwhile. */
function guard(main) {
  holdPage("correcting", [...main.querySelectorAll("[data-forms-of] textarea")].some(isTyped));
}

function isTyped(box) {
  if (!box.options) return box.value !== box.defaultValue;
  return box.selectedIndex !== Math.max(0, [...box.options].findIndex((one) => one.defaultSelected));
}

async function correct(main, form, drawn) {
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  const path = form.getAttribute("action"); // form.action is its field of that name
  const undoing = path.endsWith("/undo");
  try {
    clearNotices();
    await send("POST", path, { form: [...new FormData(form)] });
    await redraw(main, form.dataset.correction, { drawn, sent: form });
    const behind = main.querySelector("[data-redraft]") ? " The note was made before this: it can be drafted again." : "";
    say(`${undoing ? "The last correction is undone." : "Corrected."}${behind}`);
  } catch (problem) {
    if (problem.status === 409) await redraw(main, form.dataset.correction, { drawn }).catch(() => {});
    notify(problem);
  } finally {
    delete form.dataset.busy;
  }
}

/** Draws the transcript anew where it stands, and what depends on it; the focus goes to what was corrected. What is
    typed, chosen or ticked in other forms than `sent` stays. */
async function redraw(main, place, { drawn, sent = null }) {
  const page = await fetchPage();
  if (page.getElementById("main").dataset.state !== main.dataset.state) {
    await drawAnew();
    return;
  }
  const open = main.querySelector("#correct")?.open;
  const height = main.querySelector("[data-scroll]")?.scrollTop;
  const typed = readTyped(main, sent);
  for (const id of PARTS) {
    const before = main.querySelector(`#${id}`);
    const after = page.getElementById(id);
    if (before && after) before.replaceWith(document.importNode(after, true));
  }
  const fold = main.querySelector("#correct");
  if (fold && open) fold.open = true;
  await typeAgain(main, typed);
  const pane = main.querySelector("[data-scroll]");
  if (pane && height !== undefined) pane.scrollTop = height;
  (main.querySelector(`#${CSS.escape(place)}`) || main.querySelector("#speakers-title"))?.focus();
  drawn();
}

/** What stands in forms of corrections and was not sent: turns that are open, ticked turns, fields that were changed. */
function readTyped(main, sent) {
  const ticked = [...main.querySelectorAll("[name=turns]:checked")].filter((box) => box.form !== sent);
  const fields = [...main.querySelectorAll(FIELDS)].filter((box) => box.form !== sent && isTyped(box));
  const done = (forms) => forms.contains(sent) && !fields.some((box) => forms.contains(box));
  return {
    open: [...main.querySelectorAll("[data-forms-of]")].filter((forms) => !done(forms)).map((forms) => forms.dataset.formsOf),
    ticked: ticked.map((box) => box.value),
    fields: new Map(fields.map((box) => [nameField(box), box.value])),
  };
}

/** Puts it back where the drawing anew has left a place for it. */
async function typeAgain(main, { open, ticked, fields }) {
  for (const turn of open) {
    const row = main.querySelector(`[data-turn="${CSS.escape(turn)}"]`);
    if (row) await showForms(row.querySelector("[data-turn-forms]")).catch(notify);
  }
  for (const box of main.querySelectorAll("[name=turns][type=checkbox]")) box.checked = ticked.includes(box.value);
  for (const box of main.querySelectorAll(FIELDS)) {
    const value = fields.get(nameField(box));
    if (value === undefined || (box.options && ![...box.options].some((one) => one.value === value))) continue;
    box.value = value;
  }
  guard(main);
}

/** A field by what its form is about, which is the same after a drawing anew. */
function nameField(box) {
  const about = [...box.form.querySelectorAll("input[type=hidden]:not([name=csrf], [name=shown])")];
  return [box.form.dataset.correction, ...about.map((one) => `${one.name}=${one.value}`), box.name].join(" ");
}

/** Opens the forms of a turn below it, or closes them. */
async function toggle(link) {
  const turn = link.closest("[data-turn]");
  const opened = turn.querySelector("[data-forms-of]");
  if (opened) {
    opened.remove();
    link.setAttribute("aria-expanded", "false");
    link.focus();
    guard(link.closest("main"));
    return;
  }
  await showForms(link);
  turn.querySelector("textarea")?.focus();
}

/** Fetches the forms of a turn and shows them below it. */
async function showForms(link) {
  const turn = link.closest("[data-turn]");
  const page = await fetchPage(new URL(link.href).pathname);
  const forms = page.querySelector("[data-forms-of]");
  if (!forms || turn.querySelector("[data-forms-of]")) return;
  turn.append(document.importNode(forms, true));
  link.setAttribute("aria-expanded", "true");
}
