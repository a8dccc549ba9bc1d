/* Forms sent without loading the page again; each of them also works as a plain form. */

import { clearNotices, drawAnew, element, holdPage, isMicrophoneBlocked, notify } from "./shell.js";
import { send } from "./wire.js";

/** Takes over the forms marked data-live-form inside `main`. */
export function enliven(main, signal) {
  main.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-live-form]")) return;
    event.preventDefault();
    submit(form, event.submitter);
  }, { signal });
  guard(main, signal);
  const opener = main.querySelector("[data-window]");
  if (!opener || window.self === window.top) return; // a window of its own needs no other
  opener.hidden = false;
  isMicrophoneBlocked().then((blocked) => { main.querySelector("[data-microphone]").hidden = !blocked; });
  opener.addEventListener("click", () => openWindow().catch(notify), { signal });
}

/** The same visit in a window of its own, for a frame that is too narrow or may not use the microphone. `place` is the
    page of the visit that opens there. Returns the window, or null where the browser kept it from opening. */
export async function openWindow(place = "") {
  const { address } = await send("POST", "window", place ? { form: { place } } : {});
  const opened = window.open(address, "_blank");
  if (opened) return opened;
  const notice = notify({ title: "The browser kept the window from opening.", detail: "" }, { calm: true });
  const link = element("a", "button button--small", "Open it");
  link.href = address;
  link.target = "_blank";
  notice.append(link);
  return null;
}

async function submit(form, submitter) {
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  form.setAttribute("aria-busy", "true");
  const fields = [...new FormData(form, submitter)].filter(([, value]) => typeof value === "string");
  try {
    clearNotices();
    await send("POST", new URL(form.action).pathname, { form: fields });
    if (form.querySelector("[data-guard]")) holdPage("typed", false);
    await drawAnew({ sent: form });
    if (form.action.endsWith("/retry")) notify({ title: "Trying again now.", detail: "This page shows what comes of it." }, { calm: true });
  } catch (problem) {
    if (problem.status === 409) await drawAnew().catch(() => {});
    notify(problem);
  } finally {
    delete form.dataset.busy;
    form.removeAttribute("aria-busy");
  }
}

/** Text typed into a guarded box is not lost by leaving the page unasked. */
function guard(main, signal) {
  const boxes = [...main.querySelectorAll("[data-guard]")];
  const hold = () => holdPage("typed", boxes.some((box) => box.value.trim() !== ""));
  for (const box of boxes) box.addEventListener("input", hold, { signal });
  hold();
}
