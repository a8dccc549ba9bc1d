/* The note on the clipboard. The service records every copy; nothing is copied that is not saved. */

import { element, notify, say } from "./shell.js";
import { send } from "./wire.js";

/** Wires the copy buttons and Ctrl/Cmd+Shift+C; `settle` resolves once all edits are saved. */
export function enableCopy(main, signal, settle = async () => {}) {
  const copy = (form) => copyNote(form, settle).catch(notify);
  main.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-copy]")) return;
    event.preventDefault();
    copy(event.target);
  }, { signal });
  document.addEventListener("keydown", (event) => {
    const form = main.querySelector("[data-copy]");
    if (!form || !(event.ctrlKey || event.metaKey) || !event.shiftKey || event.key.toLowerCase() !== "c") return;
    event.preventDefault();
    copy(form);
  }, { signal });
}

async function copyNote(form, settle) {
  await settle();
  const { text } = await send("POST", new URL(form.action).pathname);
  if (!(await put(text))) {
    offer(text);
    return;
  }
  say("The note is copied.");
  const label = form.querySelector("button span");
  const before = label.dataset.label || label.textContent;
  label.dataset.label = before;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = before; }, 2500);
}

/** An EHR's frame may not hand the clipboard on: then the older way is tried. */
export async function put(text) {
  try {
    if (document.featurePolicy?.allowsFeature("clipboard-write") === false) throw new Error("not handed on");
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const box = element("textarea", "unseen");
    box.value = text;
    document.body.append(box);
    const before = document.activeElement;
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    before?.focus?.();
    return done;
  }
}

function offer(text) {
  const notice = notify({ title: "The browser does not let this panel copy.", detail: "Press Ctrl+C or ⌘+C now:" }, { calm: true });
  const box = element("textarea");
  box.value = text;
  box.readOnly = true;
  box.rows = 6;
  box.setAttribute("aria-label", "The note, selected for copying");
  notice.querySelector("p").append(box);
  box.focus();
  box.select();
}
