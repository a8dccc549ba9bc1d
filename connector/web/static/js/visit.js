/* One visit's page: wires what the present part of it needs, and again whenever the page is drawn anew. */

import { enableCodes } from "./code.js";
import { enableCopy } from "./copy.js";
import { enableCorrections } from "./corrections.js";
import { Editor } from "./editor.js";
import { darken, linkEvidence } from "./evidence.js";
import { enliven } from "./forms.js";
import { enableReadAgain, keepFresh } from "./fresh.js";
import { lock } from "./lock.js";
import { Player } from "./player.js";
import { enableRecordCard } from "./record-card.js";
import { follow } from "./progress.js";
import { enableQuestion } from "./question.js";
import { measureTop, showLocalTimes } from "./shell.js";
import { enableSigning } from "./sign.js";
import { enableTabs } from "./tabs.js";
import { enableUpload } from "./upload.js";
import { whenLocked } from "./wire.js";

let life = new AbortController();

function begin() {
  life.abort();
  life = new AbortController();
  const { signal } = life;
  const main = document.getElementById("main");
  showLocalTimes(main);
  enliven(main, signal);
  follow(main, signal);
  keepFresh(main, signal);
  enableReadAgain(main, signal);
  enableUpload(main, signal);
  enableCodes(main, signal);
  enableRecordCard(main, signal);
  enableQuestion(main, signal);
  if (main.dataset.panel === "review") review(main, signal);
  else {
    enableCopy(main, signal);
    enableCorrections(main, signal, () => document.dispatchEvent(new CustomEvent("transcript:drawn")));
  }
}

const timedTurns = (main) => [...main.querySelectorAll("[data-turn][data-start]")];

function review(main, signal) {
  const player = new Player(main.querySelector("[data-player]"), timedTurns(main), signal);
  const showPane = enableTabs(main, signal);
  const editor = new Editor(main, signal, { onOpen: () => { player.stop(); darken(main); } });
  linkEvidence(main, signal, { player, showPane });
  enableCorrections(main, signal, () => {
    player.turns = timedTurns(main);
    editor.refresh();
  });
  enableSigning(main, signal);
  enableCopy(main, signal, () => editor.settle());
  document.addEventListener("note:drawn", () => {
    showLocalTimes(main);
    enableSigning(main, signal);
  }, { signal });
}

document.addEventListener("visit:drawn", begin);
whenLocked(lock);
measureTop();
begin();
