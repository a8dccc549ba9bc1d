/* The frame around every part of the page: spoken status, notices, drawing anew, leaving. */

import { fetchPage } from "./wire.js";

const byId = (id) => document.getElementById(id);

/** Tells screen readers something without moving the focus. */
export function say(text) {
  const region = byId("said");
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 60);
}

/** Shows a problem or a plain message until it is dismissed; the same message is shown once. */
export function notify(problem, { calm = false } = {}) {
  const title = problem.title || "Something went wrong";
  const detail = problem.detail || "";
  const shown = [...document.querySelectorAll(".notice")].find((one) => one.dataset.title === title + detail);
  if (shown) return shown;
  const notice = element("div", `notice${calm ? " notice--calm" : ""}`);
  notice.dataset.title = title + detail;
  const text = element("p");
  text.append(element("strong", "", title), " ", detail);
  if (problem.supportCode) text.append(element("small", "", `Support code ${problem.supportCode}`));
  const close = element("button", "button button--small", "Close");
  close.type = "button";
  close.addEventListener("click", () => notice.remove());
  notice.append(text, close);
  byId("notices").append(notice);
  return notice;
}

/** Takes all notices down. */
export function clearNotices() {
  byId("notices").replaceChildren();
}

/** A new element with a class and a text. */
export function element(name, classes = "", text = "") {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
}

/** Draws the visit as it stands now, without loading the page again, and says so when it has moved on.
    Parts are copied, not moved: a player made in a document that is not on the screen would never load.
    What is typed and not sent stays where it was, but for the fields of `sent`, a form that has gone. */
export async function drawAnew({ sent = null } = {}) {
  const page = await fetchPage();
  const before = byId("main");
  const after = document.importNode(page.getElementById("main"), true);
  const moved = before.dataset.state !== after.dataset.state;
  const held = document.activeElement;
  const focused = held === document.body || before.contains(held);
  const kept = keepTyped(before, after, { sent });
  before.replaceWith(after);
  for (const id of ["banner", "ribbon"]) byId(id).replaceWith(document.importNode(page.getElementById(id), true));
  document.title = page.title;
  if (moved) {
    clearNotices(); // what was said of the page before is not true of this one
    window.scrollTo(0, 0);
  }
  const box = kept.get(held);
  if (box) {
    box.focus({ preventScroll: true });
    box.setSelectionRange(held.selectionStart, held.selectionEnd);
  } else if (focused) byId("heading").focus({ preventScroll: !moved });
  if (moved) say(byId("heading").textContent);
  document.dispatchEvent(new CustomEvent("visit:drawn"));
}

/** Copies what is typed in forms of `before` into the same fields of `after`; returns the new field of each old one. */
function keepTyped(before, after, { sent }) {
  const typed = "[data-live-form] :is(textarea, input[type=text])";
  const name = (box) => `${box.form.getAttribute("action")} ${box.name}`;
  const fields = new Map([...after.querySelectorAll(typed)].map((box) => [name(box), box]));
  const kept = new Map();
  for (const box of before.querySelectorAll(typed)) {
    const next = fields.get(name(box));
    if (!next || box.form === sent || box.value === box.defaultValue) continue;
    next.value = box.value;
    if (box.closest("details")?.open) next.closest("details")?.setAttribute("open", "");
    kept.set(box, next);
  }
  // What is being corrected in the transcript, for as long as it can be corrected.
  const fold = after.querySelector("#correct");
  if (fold && before.querySelector("#correct")?.open) fold.open = true;
  for (const forms of before.querySelectorAll("[data-forms-of]")) {
    const link = after.querySelector(`[data-turn-forms="${CSS.escape(forms.dataset.formsOf)}"]`);
    link?.setAttribute("aria-expanded", "true");
    link?.closest("[data-turn]").append(forms);
  }
  return kept;
}

/** Whether this frame may not use the microphone, which a window of its own may: the page around it forbids it
    (Permissions Policy), or the browser does. */
export async function isMicrophoneBlocked() {
  if (window.self === window.top) return false;
  const policy = document.permissionsPolicy || document.featurePolicy;
  if (policy && !policy.allowsFeature("microphone")) return true;
  const asked = await navigator.permissions?.query({ name: "microphone" }).catch(() => null);
  return asked?.state === "denied";
}

const held = new Set();

window.addEventListener("beforeunload", (event) => {
  if (held.size) event.preventDefault();
});

/** Warns before the page is left for as long as `reason` is held. */
export function holdPage(reason, hold) {
  if (hold) held.add(reason);
  else held.delete(reason);
}

/** Whether leaving the page now would lose something. */
export const isHeld = () => held.size > 0;

/** Times are drawn in UTC; here they become the clinician's own. */
export function showLocalTimes(main) {
  const format = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  for (const time of main.querySelectorAll("time[data-moment]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.textContent = format.format(at);
  }
}

/** What sticks below the patient banner has to know how tall it is. */
export function measureTop() {
  const top = document.querySelector(".top");
  const show = () => document.documentElement.style.setProperty("--top", `${top.offsetHeight}px`);
  new ResizeObserver(show).observe(top);
  show();
}
