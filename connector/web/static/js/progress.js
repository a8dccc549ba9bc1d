/* Live status: asks how the visit stands, moves the steps on, and has the page drawn anew when there is more to show. */

import { lock } from "./lock.js";
import { drawAnew, isHeld, notify, say } from "./shell.js";
import { send } from "./wire.js";

const SELDOM = 30000; // ms between looks at a visit in which nothing happens by itself
const WORDS = { done: "done", now: "in progress", todo: "waiting" };

/** Follows the visit until `signal` aborts: closely while something happens by itself, else once in a while. */
export function follow(main, signal) {
  const live = main.dataset.live === "yes";
  let failures = 0;
  let begun = 0;

  async function ask() {
    if (signal.aborted) return;
    try {
      const status = await send("GET", "status");
      if (signal.aborted) return;
      failures = 0;
      if (status.locked) await lock();
      else if (!live && status.state !== main.dataset.state && !isHeld()) {
        await drawAnew(); // moved on from another window
        return;
      } else if (live && (status.version !== main.dataset.version || !status.live) && !isTyping(main)) {
        await drawAnew();
        return;
      } else {
        begun = performance.now();
        show(status.steps);
        showFetch(status.fetch);
      }
    } catch (problem) {
      failures += 1;
      if (live && failures === 3) {
        say("The connection to the scribe is lost. Trying again.");
        const detail = "What was sent is safe. This page goes on by itself once the scribe answers.";
        notify({ title: "The scribe does not answer.", detail }, { calm: true });
      }
      if (!problem.passing) {
        // Left in another window, or over: nothing of the patient stays here, but what was typed and not saved does.
        if (problem.status === 404 && !isHeld()) location.reload();
        else notify(problem);
        return;
      }
    }
    setTimeout(ask, live ? Math.min(1000 * 2 ** failures, 15000) : SELDOM);
  }

  const tick = setInterval(() => {
    if (begun) showTime(main, (performance.now() - begun) / 1000);
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(tick));
  setTimeout(ask, live ? 400 : SELDOM);
}

/** A note that is being changed while it is drafted again is not drawn away under the hands. */
const isTyping = (main) => main.dataset.panel === "review" && isHeld();

function show(steps) {
  for (const step of steps) {
    const row = document.querySelector(`[data-step="${CSS.escape(step.key)}"]`);
    if (!row) continue;
    const status = `step step--${step.status}`;
    if (row.className !== status) {
      row.className = status;
      row.querySelector(".step__status").textContent = WORDS[step.status];
      row.querySelector(".step__title").textContent = step.title;
      if (step.status === "now") say(`${step.title}: in progress`);
    }
    row.dataset.seconds = step.seconds ?? "";
    row.querySelector(".step__time").textContent = describe(step.seconds);
  }
}

function showFetch(fetch) {
  const bar = document.querySelector("[data-fetch-bar]");
  if (!bar || !fetch) return;
  if (fetch.share !== null) bar.value = fetch.share;
  document.querySelector("[data-fetch-text]").textContent = fetch.text;
}

function showTime(main, passed) {
  const row = main.querySelector(".step--now[data-seconds]");
  if (row?.dataset.seconds) row.querySelector(".step__time").textContent = describe(Number(row.dataset.seconds) + passed);
}

function describe(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
