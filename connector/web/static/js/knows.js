/* The page "What the scribe knows": filters its list, takes changes without loading the page, and follows the reading.
   Every form here also works as a plain form. */

import { drawParts, enableReadAgain, keepFresh } from "./fresh.js";
import { lock } from "./lock.js";
import { clearNotices, measureTop, notify, say, showLocalTimes } from "./shell.js";
import { send, whenLocked } from "./wire.js";

const main = document.getElementById("main");
const { signal } = new AbortController();
const filter = () => main.querySelector("[data-filter]");
const shown = (element) => element.offsetParent !== null;
let opened = null; // which groups were open before something was looked for

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** What only a script can do is shown, in a list that may have been drawn anew. */
function begin() {
  for (const one of main.querySelectorAll("[data-correct]")) one.hidden = false;
  const box = main.querySelector("[data-filter-box]");
  if (!box) return;
  box.hidden = false;
  sift();
}

/** Leaves only the names in view that hold what is looked for, in themselves or in where they come from. */
function sift() {
  const wanted = plain(filter().value.trim());
  const groups = [...main.querySelectorAll("[data-group]")];
  if (wanted && !opened) opened = new Map(groups.map((group) => [group.id, group.open]));
  let found = 0;
  let all = 0;
  for (const group of groups) {
    const rows = [...group.querySelectorAll("[data-term]")];
    for (const set of group.querySelectorAll("[data-set]")) {
      const whole = plain(set.querySelector(".set__from")?.textContent || "").includes(wanted);
      const own = [...set.querySelectorAll("[data-term]")];
      for (const row of own) row.hidden = wanted !== "" && !whole && !plain(row.dataset.term).includes(wanted);
      set.hidden = own.every((row) => row.hidden);
    }
    const left = rows.filter((row) => !row.hidden).length;
    group.hidden = left === 0;
    group.querySelector(".count").textContent = wanted ? `${left} of ${rows.length}` : rows.length;
    if (wanted) group.open = left > 0;
    else if (opened) group.open = opened.get(group.id) ?? true;
    found += left;
    all += rows.length;
  }
  if (!wanted) opened = null;
  main.querySelector("[data-filter-count]").textContent = wanted ? `${found} of ${all}` : "";
}

async function change(form, submitter) {
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  const kind = form.dataset.termsForm;
  const place = kind === "remove" ? tools().indexOf(submitter) : -1;
  const fields = [...new FormData(form, submitter)].filter(([, value]) => typeof value === "string");
  try {
    clearNotices();
    await send("POST", "keyterms", { form: fields });
    if (kind === "add") form.reset();
    await drawParts(main);
    begin();
    if (kind === "add") form.querySelector("[name=add]").focus();
    else if (kind === "remove") (tools()[Math.min(place, tools().length - 1)] || document.getElementById("terms-title")).focus();
    else (document.getElementById("undo") || document.getElementById("terms-title")).focus();
    say(tell(kind, new Map(fields)));
  } catch (problem) {
    if (problem.status === 409) await drawParts(main).then(begin).catch(() => {});
    notify(problem);
  } finally {
    delete form.dataset.busy;
  }
}

const tools = () => [...main.querySelectorAll("button[name=remove]")].filter(shown);

function tell(kind, fields) {
  if (kind === "undo") return "The last change is undone.";
  if (kind === "remove") return `${fields.get("remove")} removed.`;
  return fields.get("instead") ? `${fields.get("instead")} changed to ${fields.get("add")}.` : `${fields.get("add")} added.`;
}

function correct(row) {
  const form = main.querySelector("[data-terms-form=add]");
  const name = form.querySelector("[name=add]");
  form.querySelector("[name=instead]").value = row.dataset.term;
  name.value = row.dataset.term;
  name.focus();
  name.select();
}

main.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-terms-form]")) return;
  event.preventDefault();
  change(event.target, event.submitter);
});
main.addEventListener("click", (event) => {
  const button = event.target.closest("[data-correct]");
  if (button) correct(button.closest("[data-term]"));
});
main.addEventListener("input", (event) => { if (event.target === filter()) sift(); });
main.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.target !== filter() || !filter().value) return;
  event.preventDefault();
  filter().value = "";
  sift();
});

whenLocked(lock);
measureTop();
showLocalTimes(main);
begin();
keepFresh(main, signal, begin);
enableReadAgain(main, signal, begin);
