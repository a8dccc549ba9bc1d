/* A code with which another computer brings a file into this visit. It is shown once and kept nowhere. */

import { put } from "./copy.js";
import { element, notify, say } from "./shell.js";
import { send } from "./wire.js";

/** Wires the form that asks for a code, where there is one. */
export function enableCodes(main, signal) {
  main.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-code-form]")) return;
    event.preventDefault();
    ask(main, form).catch(notify);
  }, { signal });
}

async function ask(main, form) {
  const { code } = await send("POST", new URL(form.action).pathname);
  // Asking began a recording: the page does not draw itself anew for that, or the code would be gone.
  main.dataset.state = "CAPTURING";
  form.querySelector("[data-code-shown]")?.remove();
  const shown = element("div");
  shown.dataset.codeShown = "";
  shown.append(element("p", "", "On the other computer, in a terminal, answer its question with this code:"));
  const command = element("pre", "code");
  command.append(element("code", "", `connector upload --to ${location.origin} FILE`));
  const row = element("p", "code__row");
  const label = element("label", "", "Code, for one file of this visit");
  label.htmlFor = "upload-code";
  const field = element("input", "code__field");
  Object.assign(field, { id: "upload-code", readOnly: true, value: code, autocomplete: "off", spellcheck: false });
  const copy = element("button", "button", "Copy the code");
  copy.type = "button";
  copy.addEventListener("click", async () => {
    field.select();
    if (await put(code)) {
      copy.textContent = "Copied";
      say("The code is copied.");
    }
  });
  row.append(label, field);
  const after = element("p", "quiet", "It is not shown again. This page goes on by itself once the file has arrived.");
  shown.append(command, row, copy, after);
  form.append(shown);
  field.focus();
  field.select();
  say("The code is shown.");
}
