"use strict";
(() => {
  const all = document.querySelectorAll("[data-eq]");
  const pane = document.querySelector("aside pre");
  const mark = (element) => {
    const name = element ? element.dataset.eq : null;
    for (const other of all) other.classList.toggle("on", other.dataset.eq === name);
    const line = name && pane && !pane.contains(element) && pane.querySelector(`[data-eq="${name}"]`);
    if (line && pane.scrollHeight > pane.clientHeight) {
      const top = line.getBoundingClientRect().top - pane.getBoundingClientRect().top;
      if (top < 0 || top + line.offsetHeight > pane.clientHeight) {
        pane.scrollTop += top - pane.clientHeight / 3;
      }
    }
  };
  const at = (event) => (event.target.closest ? event.target.closest("[data-eq]") : null);
  document.addEventListener("mouseover", (event) => mark(at(event)));
  document.addEventListener("focusin", (event) => mark(at(event)));
  document.addEventListener("focusout", () => mark(null));
  for (const box of document.querySelectorAll(".eqs, .scroll")) {
    if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", "scrolls sideways");
    }
  }
})();
