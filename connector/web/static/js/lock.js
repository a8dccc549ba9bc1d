/* After a pause nothing of the patient stays in view. What was typed stays in memory behind the cover, and one press
   brings it back; an upload or an edit that met the lock goes on by itself. */

import { element, say } from "./shell.js";
import { sendOnce } from "./wire.js";

let waiting = null;

/** Covers the page; resolves once the clinician is back and the EHR has renewed its access. */
export function lock() {
  waiting ??= new Promise((resolve) => { cover(resolve); }).finally(() => { waiting = null; });
  return waiting;
}

function cover(resolve) {
  document.querySelector("audio")?.pause();
  const before = document.activeElement;
  document.body.classList.add("covered");
  const card = element("section", "card card--problem");
  card.setAttribute("aria-labelledby", "lock-title");
  const title = element("h1", "", "Hidden after a pause");
  title.id = "lock-title";
  const text = element("p", "lead", "Nobody was here for a while, so this page hides what it shows. Nothing was lost.");
  const button = element("button", "button button--main", "Continue");
  button.type = "button";
  card.append(title, text, button);
  document.getElementById("main").before(card);
  button.focus();
  say("Hidden after a pause.");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await sendOnce("POST", "unlock");
    } catch (problem) {
      text.textContent = `${problem.title}. ${problem.detail}`;
      button.disabled = false;
      return;
    }
    card.remove();
    document.body.classList.remove("covered");
    before?.focus?.();
    resolve();
  });
}
