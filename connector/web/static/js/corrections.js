/* Corrections of the transcript without loading the page again: speakers, turns, words. Every form here also works as
   a plain form, and the forms of a turn also stand on a page of their own. */

import { clearNotices, drawAnew, notify, say } from "./shell.js";
import { fetchPage, send } from "./wire.js";

const PARTS = ["said-part", "redraft-part", "question"];

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
}

async function correct(main, form, drawn) {
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  const path = form.getAttribute("action"); // form.action is its field of that name
  const undoing = path.endsWith("/undo");
  try {
    clearNotices();
    await send("POST", path, { form: [...new FormData(form)] });
    await redraw(main, form.dataset.correction, drawn);
    const behind = main.querySelector("[data-redraft]") ? " The note was made before this: it can be drafted again." : "";
    say(`${undoing ? "The last correction is undone." : "Corrected."}${behind}`);
  } catch (problem) {
    if (problem.status === 409) await redraw(main, form.dataset.correction, drawn).catch(() => {});
    notify(problem);
  } finally {
    delete form.dataset.busy;
  }
}

/** Draws the transcript anew where it stands, and what depends on it; the focus goes to what was corrected. */
async function redraw(main, place, drawn) {
  const page = await fetchPage();
  if (page.getElementById("main").dataset.state !== main.dataset.state) {
    await drawAnew();
    return;
  }
  const open = main.querySelector("#correct")?.open;
  const height = main.querySelector("[data-scroll]")?.scrollTop;
  for (const id of PARTS) {
    const before = main.querySelector(`#${id}`);
    const after = page.getElementById(id);
    if (before && after) before.replaceWith(document.importNode(after, true));
  }
  const fold = main.querySelector("#correct");
  if (fold && open) fold.open = true;
  const pane = main.querySelector("[data-scroll]");
  if (pane && height !== undefined) pane.scrollTop = height;
  (main.querySelector(`#${CSS.escape(place)}`) || main.querySelector("#speakers-title"))?.focus();
  drawn();
}

/** Opens the forms of a turn below it, or closes them. */
async function toggle(link) {
  const turn = link.closest("[data-turn]");
  const opened = turn.querySelector("[data-forms-of]");
  if (opened) {
    opened.remove();
    link.setAttribute("aria-expanded", "false");
    link.focus();
    return;
  }
  const page = await fetchPage(new URL(link.href).pathname);
  const forms = page.querySelector("[data-forms-of]");
  if (!forms || turn.querySelector("[data-forms-of]")) return;
  turn.append(document.importNode(forms, true));
  link.setAttribute("aria-expanded", "true");
  turn.querySelector("textarea")?.focus();
}
