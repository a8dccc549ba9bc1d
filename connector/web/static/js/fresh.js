/* Parts of a page drawn anew without the page: while the chart is being read, and after a change.
   What somebody is typing, what is open, and where the focus and the eye are stay as they are. */

import { lock } from "./lock.js";
import { clearNotices, notify, say, showLocalTimes } from "./shell.js";
import { fetchPage, send } from "./wire.js";

const WAITS = [700, 1000, 1500, 2000, 3000]; // ms between looks at a chart that is being read; the last one stays

/** Looks how the reading of the chart goes on, and shows what came of it. `drawn` is called after each drawing. */
export function keepFresh(main, signal, drawn = () => {}) {
  let looks = 0;

  async function look() {
    if (signal.aborted || main.dataset.reading !== "yes") return;
    try {
      const status = await send("GET", "status");
      if (signal.aborted) return;
      if (status.locked) await lock();
      else if (!status.reading) await finish();
    } catch (problem) {
      if (!problem.passing) {
        notify(problem);
        return;
      }
    }
    wait();
  }

  async function finish() {
    await drawParts(main);
    drawn();
    if (main.dataset.reading !== "yes") say(tellEnd(main));
  }

  function wait() {
    if (main.dataset.reading === "yes") setTimeout(look, WAITS[Math.min(looks, WAITS.length - 1)]);
    looks += 1;
  }

  wait();
}

function tellEnd(main) {
  return main.querySelector(".unread") ? "The chart has been read. Not everything could be read." : "The chart has been read.";
}

/** Takes over the button that has the chart read again. */
export function enableReadAgain(main, signal, drawn = () => {}) {
  main.addEventListener("submit", async (event) => {
    if (!event.target.matches("[data-again]")) return;
    event.preventDefault();
    try {
      clearNotices();
      await send("POST", "chart");
      await drawParts(main);
      drawn();
      document.getElementById("chart-title").focus();
      if (main.dataset.reading === "yes") say("The chart is being read again.");
      keepFresh(main, signal, drawn);
    } catch (problem) {
      notify(problem);
    }
  }, { signal });
}

/** Draws the parts marked data-fresh anew, each in its place. */
export async function drawParts(main) {
  const page = await fetchPage();
  const anew = page.getElementById("main");
  const held = main.contains(document.activeElement) ? document.activeElement : null;
  const eye = held || seen(main);
  const height = eye?.getBoundingClientRect().top;
  document.documentElement.classList.add("steady");
  for (const part of main.querySelectorAll("[data-fresh]")) {
    const after = anew.querySelector(`#${CSS.escape(part.id)}`);
    if (after) draw(part, document.importNode(after, true));
  }
  document.getElementById("banner").replaceWith(document.importNode(page.getElementById("banner"), true));
  main.dataset.reading = anew.dataset.reading;
  showLocalTimes(main);
  const twin = eye && find(main, eye);
  if (twin) window.scrollBy({ top: twin.getBoundingClientRect().top - height, behavior: "instant" });
  if (held && !held.isConnected) (twin || document.getElementById("heading")).focus({ preventScroll: true });
  requestAnimationFrame(() => document.documentElement.classList.remove("steady"));
}

/** A part that is typed in stays; only what can be chosen in it is drawn anew. */
function draw(before, after) {
  if (before.dataset.kept && before.dataset.kept === after.dataset.kept) {
    for (const list of before.querySelectorAll("select")) {
      const chosen = list.value;
      list.replaceChildren(...after.querySelector(`#${CSS.escape(list.id)}`).childNodes);
      list.value = chosen;
      if (list.selectedIndex < 0) list.selectedIndex = 0;
    }
    return;
  }
  for (const fold of before.querySelectorAll("details[id]")) {
    const twin = after.querySelector(`#${CSS.escape(fold.id)}`);
    if (twin) twin.open = fold.open;
  }
  before.replaceWith(after);
}

/** What stands at the top of the window. */
function seen(main) {
  const top = document.querySelector(".top").offsetHeight;
  return [...main.querySelectorAll("details[id] > summary, [data-term], h2")].find((one) => {
    const { top: above, bottom } = one.getBoundingClientRect();
    return bottom > top && above < window.innerHeight && above !== bottom;
  });
}

/** The element itself where it is still there, else the same one in the part drawn anew. */
function find(main, element) {
  if (element.isConnected) return element;
  const byId = (id) => main.querySelector(`#${CSS.escape(id)}`);
  if (element.id) return byId(element.id);
  if (element.matches("summary")) return byId(element.parentElement.id)?.querySelector("summary");
  const row = element.closest("[data-term]");
  const twin = row && main.querySelector(`[data-term="${CSS.escape(row.dataset.term)}"]`);
  if (!twin || element === row) return twin;
  const tools = (one) => [...one.querySelectorAll("button")];
  return tools(twin)[tools(row).indexOf(element)] || null;
}
