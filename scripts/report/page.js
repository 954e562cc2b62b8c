"use strict";

/* Two images of a gallery side by side on one stage; a click shows the same place of all of them, four times as large. */
for (const gallery of document.querySelectorAll(".gallery")) {
  const panes = [...gallery.querySelectorAll(".pane img")];
  const compare = gallery.querySelector(".compare");
  const stage = compare.querySelector(".stage");
  const slider = compare.querySelector("input");
  compare.hidden = false;

  for (const [side, first] of [["left", 1], ["right", Math.min(2, panes.length - 1)]]) {
    const select = compare.querySelector(`select.${side}`);
    const image = compare.querySelector(`img.${side}`);
    const show = () => {
      image.src = panes[select.value].src;
      image.alt = `${side}: ${panes[select.value].alt}`;
    };
    select.append(...panes.map((pane, index) => new Option(pane.alt, index)));
    select.value = first;
    select.addEventListener("change", show);
    show();
  }
  slider.addEventListener("input", () => stage.style.setProperty("--at", `${slider.value}%`));

  let at = [50, 50]; // percent of the width and of the height
  const look = (...place) => {
    at = place.map((share) => Math.min(100, Math.max(0, share)));
    gallery.style.setProperty("--x", `${at[0]}%`);
    gallery.style.setProperty("--y", `${at[1]}%`);
  };
  const follow = (event) => {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    look((100 * (event.clientX - left)) / width, (100 * (event.clientY - top)) / height);
  };
  stage.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-5, 0], ArrowRight: [5, 0], ArrowUp: [0, -5], ArrowDown: [0, 5] }[event.key];
    if (event.key === "Enter") gallery.classList.toggle("zoomed");
    else if (by && gallery.classList.contains("zoomed")) look(at[0] + by[0], at[1] + by[1]);
    else return;
    event.preventDefault();
  });
  for (const zoomable of gallery.querySelectorAll(".pane, .stage")) {
    zoomable.addEventListener("pointermove", follow);
    zoomable.addEventListener("click", (event) => {
      gallery.classList.toggle("zoomed");
      follow(event);
    });
  }
}
