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

  const follow = (event) => {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    gallery.style.setProperty("--x", `${(100 * (event.clientX - left)) / width}%`);
    gallery.style.setProperty("--y", `${(100 * (event.clientY - top)) / height}%`);
  };
  for (const zoomable of gallery.querySelectorAll(".pane, .stage")) {
    zoomable.addEventListener("pointermove", follow);
    zoomable.addEventListener("click", (event) => {
      gallery.classList.toggle("zoomed");
      follow(event);
    });
  }
}
