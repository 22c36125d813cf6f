// What the pages do beyond plain links and forms; without it everything works with the Apply button.
"use strict";
const progress = document.getElementById("progress");
const busy = () => { document.body.setAttribute("aria-busy", "true"); progress.className = "on"; };
addEventListener("pageshow", () => { document.body.removeAttribute("aria-busy"); progress.className = ""; });
const here = document.querySelector("nav [aria-current]");
if (here) here.closest("nav").scrollLeft = here.offsetLeft - 40;  // on a phone the menu is longer than the screen
const filters = document.getElementById("filters");
const clean = (form) => { for (const e of form.elements) if (e.name && e.value === "") e.disabled = true; };
for (const form of document.forms) form.addEventListener("submit", () => { busy(); setTimeout(() => { for (const e of form.elements) e.disabled = false; }, 500); clean(form); });
if (filters) {
  let waiting;
  filters.addEventListener("change", (event) => {
    if (event.target.type === "date" && !event.target.value) return;
    clearTimeout(waiting);
    // A date typed by hand, and a slider moved by keys, change several times in a row.
    const pause = event.target.type === "date" ? 600 : event.target.type === "range" ? 250 : 0;
    waiting = setTimeout(() => filters.requestSubmit(), pause);
  });
  const slider = document.getElementById("slider");
  if (slider) {
    const values = document.getElementById("slider-values").options;
    slider.addEventListener("input", () => {
      const chosen = values[slider.value];
      const words = document.getElementById("slider-words");
      words.value = chosen.label;
      words.title = chosen.value.replace("T", " ").replace("Z", " UTC");
      document.getElementById("slider-value").value = chosen.value;
      slider.setAttribute("aria-valuetext", chosen.label);
    });
    const kept = sessionStorage.getItem("slider");
    if (kept) { sessionStorage.removeItem("slider"); slider.focus({ preventScroll: true }); scrollTo(0, +kept); }
    slider.addEventListener("change", () => sessionStorage.setItem("slider", String(scrollY)));
  }
}
for (const link of document.querySelectorAll("nav a, td a, .panel svg a")) link.addEventListener("click", (e) => { if (!e.ctrlKey && !e.metaKey && !e.shiftKey) busy(); });
