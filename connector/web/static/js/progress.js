/* Live status: asks how the visit stands, moves the steps on, and has the page drawn anew when there is more to show. */

import { drawAnew, notify, say } from "./shell.js";
import { send } from "./wire.js";

const WORDS = { done: "done", now: "in progress", todo: "waiting" };

/** Follows the visit until `signal` aborts. */
export function follow(main, signal) {
  if (main.dataset.live !== "yes") return;
  let failures = 0;
  let begun = 0;

  async function ask() {
    if (signal.aborted) return;
    try {
      const status = await send("GET", "status");
      if (signal.aborted) return;
      failures = 0;
      if (status.version !== main.dataset.version || !status.live) {
        await drawAnew();
        return;
      }
      begun = performance.now();
      show(status.steps);
    } catch (problem) {
      failures += 1;
      if (failures === 3) say("The connection to the scribe is lost. Trying again.");
      if (!problem.passing) {
        notify(problem);
        return;
      }
    }
    setTimeout(ask, Math.min(1000 * 2 ** failures, 15000));
  }

  const tick = setInterval(() => {
    if (begun) showTime(main, (performance.now() - begun) / 1000);
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(tick));
  setTimeout(ask, 400);
}

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

function showTime(main, passed) {
  const row = main.querySelector(".step--now[data-seconds]");
  if (row?.dataset.seconds) row.querySelector(".step__time").textContent = describe(Number(row.dataset.seconds) + passed);
}

function describe(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
