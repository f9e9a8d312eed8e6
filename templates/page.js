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
  let moved = -Infinity, touched = -Infinity;
  if (pane) {
    pane.addEventListener("scroll", () => {
      if (performance.now() - moved > 200) touched = performance.now();
    }, { passive: true });
  }
  const read = () => {
    if (!pane || pane.scrollHeight <= pane.clientHeight || document.querySelector(".on")) return;
    const shown = [...document.querySelectorAll("main [data-eq]")].filter(
      (e) => pane.querySelector(`[data-eq="${e.dataset.eq}"]`),
    );
    const here = shown.find((e) => e.getBoundingClientRect().bottom > innerHeight / 8);
    for (const line of pane.querySelectorAll(".near")) line.classList.remove("near");
    const line = here && pane.querySelector(`[data-eq="${here.dataset.eq}"]`);
    if (!line) return;
    line.classList.add("near");
    const top = line.getBoundingClientRect().top - pane.getBoundingClientRect().top;
    const hidden = top < 0 || top + line.offsetHeight > pane.clientHeight;
    if (hidden && performance.now() - touched > 1000) {
      moved = performance.now();
      pane.scrollTop += top - pane.clientHeight / 3;
    }
  };
  let waiting = false;
  document.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; read(); });
  }, { passive: true });
  const copy = document.querySelector(".copy");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", () => navigator.clipboard.writeText(pane.textContent.trim()).then(
      () => { copy.textContent = "Copied"; },
      () => { getSelection().selectAllChildren(pane); copy.textContent = "Selected: copy it with the keyboard"; },
    ));
  }
  const at = (event) => (event.target.closest ? event.target.closest("[data-eq]") : null);
  document.addEventListener("mouseover", (event) => mark(at(event)));
  document.addEventListener("focusin", (event) => mark(at(event)));
  document.addEventListener("focusout", () => mark(null));
  const fit = () => {
    for (const box of document.querySelectorAll(".eqs")) {
      box.style.fontSize = "";
      const part = box.clientWidth / box.scrollWidth;
      if (part < 1) box.style.fontSize = `${Math.max(part * 0.98, 0.6)}em`;
    }
  };
  fit();
  addEventListener("resize", fit);
  for (const box of document.querySelectorAll(".eqs, .scroll")) {
    if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", "scrolls sideways");
    }
  }
})();
