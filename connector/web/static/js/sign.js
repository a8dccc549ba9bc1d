/* The signature. The button works only while the declaration is ticked and everything shown is saved. */

/** Wires the sign form; the editor blocks it with `sign:block` events. Called again whenever the form is drawn anew. */
export function enableSigning(main, signal) {
  const form = main.querySelector("[data-sign]");
  if (!form) return;
  const tick = form.querySelector("[data-attest]");
  const button = form.querySelector("[data-sign-button]");
  const hint = form.querySelector("[data-sign-hint]");
  const signer = hint.textContent;
  let blocked = false;

  function show() {
    if (blocked) tick.checked = false;
    tick.disabled = blocked;
    button.disabled = blocked || !tick.checked;
    hint.textContent = blocked ? "Your change is being saved first." : tick.checked ? signer : "Tick the box above to sign.";
  }

  form.addEventListener("sign:block", (event) => {
    blocked = event.detail;
    show();
  }, { signal });
  tick.addEventListener("change", show, { signal });
  show();
}
