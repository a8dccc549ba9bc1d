/* Two tabs in a narrow panel, two columns in a wide one. Follows the width as the panel is dragged. */

/** Wires the tabs of `main`; returns a function that brings a pane forward. */
export function enableTabs(main, signal) {
  const bar = main.querySelector("[data-tabs]");
  if (!bar) return () => {};
  const narrow = matchMedia("(max-width: 799px)");
  const tabs = [...bar.querySelectorAll("[data-tab]")];
  const paneOf = (name) => main.querySelector(`[data-pane="${name}"]`);
  const labels = new Map(tabs.map((tab) => paneOf(tab.dataset.tab)).map((pane) => [pane, pane.getAttribute("aria-labelledby")]));
  let current = "note";

  function show(name) {
    current = name;
    bar.hidden = !narrow.matches;
    for (const tab of tabs) {
      const pane = paneOf(tab.dataset.tab);
      const chosen = tab.dataset.tab === name;
      if (narrow.matches) {
        tab.setAttribute("role", "tab");
        tab.setAttribute("aria-selected", String(chosen));
        tab.setAttribute("aria-controls", pane.id);
        tab.tabIndex = chosen ? 0 : -1;
        pane.setAttribute("role", "tabpanel");
        pane.setAttribute("aria-labelledby", tab.id);
        pane.hidden = !chosen;
      } else {
        pane.removeAttribute("role");
        if (labels.get(pane)) pane.setAttribute("aria-labelledby", labels.get(pane));
        else pane.removeAttribute("aria-labelledby");
        pane.hidden = false;
      }
    }
    if (narrow.matches) bar.setAttribute("role", "tablist");
  }

  bar.setAttribute("aria-label", "Note or transcript");
  bar.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-tab]");
    if (tab) show(tab.dataset.tab);
  }, { signal });
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -tabs.length, End: tabs.length }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.dataset.tab === current);
    const next = Math.abs(step) > 1 ? (step > 0 ? tabs.length - 1 : 0) : (at + step + tabs.length) % tabs.length;
    show(tabs[next].dataset.tab);
    tabs[next].focus();
  }, { signal });
  narrow.addEventListener("change", () => show(current), { signal });
  show(current);
  return (name) => {
    if (narrow.matches) show(name);
  };
}
