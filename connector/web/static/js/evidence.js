/* From a sentence of the note to what it rests on: its turns light up, come into view and are heard. */

import { element, say } from "./shell.js";

/** Wires sentences, jump links and turns; `player` plays, `showPane` brings a pane of a narrow panel forward. */
export function linkEvidence(main, signal, { player, showPane }) {
  const turnOf = (id) => main.querySelector(`[data-turn="${CSS.escape(id)}"]`);

  function choose(sentence, ids) {
    darken(main);
    sentence.classList.add("sentence--lit");
    const turns = ids.map(turnOf).filter(Boolean);
    if (!turns.length) return;
    for (const turn of turns) turn.classList.add("turn--lit");
    bringIntoView(turns[0]);
    quote(sentence, turns, () => {
      showPane("transcript");
      bringIntoView(turns[0]);
      turns[0].focus({ preventScroll: false });
    });
    player.play(turns);
    const first = turns[0].querySelector(".turn__role").textContent;
    say(`${turns.length === 1 ? "1 turn" : `${turns.length} turns`} of evidence, ${first}`);
  }

  main.addEventListener("click", (event) => {
    if (event.defaultPrevented || !(event.target instanceof Element)) return;
    const sentence = event.target.closest("[data-sentence]");
    const proof = event.target.closest("[data-proof]");
    const jump = event.target.closest("[data-jump]");
    const play = event.target.closest("[data-play]");
    if (play) {
      darken(main);
      const turn = turnOf(play.dataset.play);
      turn.classList.add("turn--lit");
      player.play([turn]);
    } else if (proof && sentence) {
      event.preventDefault();
      choose(sentence, [proof.dataset.proof]);
    } else if (jump) {
      const target = main.querySelector(`[data-sentence="${CSS.escape(jump.dataset.jump)}"]`);
      if (!target) return;
      event.preventDefault();
      showPane("note");
      target.scrollIntoView({ block: "center" });
      darken(main);
      target.classList.add("sentence--lit");
      (target.querySelector("a[data-text]") || target.querySelector("[data-edit]"))?.focus({ preventScroll: true });
    } else if (event.target.closest("[data-text]") && sentence) {
      event.preventDefault();
      choose(sentence, sentence.dataset.turns.split(" ").filter(Boolean));
    }
  }, { signal });

  main.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    player.stop();
    darken(main);
  }, { signal });
}

/** Takes every light away. */
export function darken(main) {
  for (const lit of main.querySelectorAll(".sentence--lit, .turn--lit")) {
    lit.classList.remove("sentence--lit", "turn--lit");
  }
  for (const quotes of main.querySelectorAll("[data-quotes]")) {
    quotes.hidden = true;
    quotes.replaceChildren();
  }
}

function bringIntoView(turn) {
  const pane = turn.closest("[data-scroll]");
  if (!pane || pane.scrollHeight <= pane.clientHeight) return;
  const top = turn.getBoundingClientRect().top - pane.getBoundingClientRect().top + pane.scrollTop;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  pane.scrollTo({ top: top - pane.clientHeight / 3, behavior: still ? "auto" : "smooth" });
}

/** "what was said", or "what was typed". */
const titled = () => document.getElementById("transcript-title").textContent.toLowerCase();

/** In a narrow panel the transcript is behind a tab, so the words are quoted under the sentence. */
function quote(sentence, turns, show) {
  const quotes = sentence.querySelector("[data-quotes]");
  if (!quotes) return;
  for (const turn of turns) {
    const line = element("p");
    line.append(element("strong", "", `${turn.querySelector(".turn__role").textContent}: `));
    line.append(...[...turn.querySelector(".turn__text").childNodes].map((node) => node.cloneNode(true)));
    quotes.append(line);
  }
  const button = element("button", "button button--small", `Show in ${titled()}`);
  button.type = "button";
  button.addEventListener("click", show);
  quotes.append(button);
  quotes.hidden = false;
  if (quotes.getClientRects().length) quotes.scrollIntoView({ block: "nearest" });
}
