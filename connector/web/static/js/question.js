/* The question before a draft: places that speak against a recording are heard where they stand. */

import { Player } from "./player.js";

/** Wires the play buttons of the question and of the transcript below it. */
export function enableQuestion(main, signal) {
  if (!main.querySelector("[data-question]")) return;
  const turns = () => [...main.querySelectorAll("[data-turn][data-start]")];
  const player = new Player(main.querySelector("[data-player]"), turns(), signal);
  document.addEventListener("transcript:drawn", () => { player.turns = turns(); }, { signal });
  main.addEventListener("click", (event) => {
    const play = event.target instanceof Element ? event.target.closest("[data-play]") : null;
    const turn = play && main.querySelector(`[data-turn="${CSS.escape(play.dataset.play)}"]`);
    if (turn) player.play([turn]);
  }, { signal });
  main.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) player.stop();
  }, { signal });
}
