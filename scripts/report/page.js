"use strict";

const names = JSON.parse(document.getElementById("names").textContent);

/* What a heading means, beside it, while it is pointed at or focused. */
{
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; };
  const show = (term) => {
    tip.textContent = document.getElementById(term.getAttribute("aria-describedby")).textContent;
    tip.hidden = false;
    const at = term.getBoundingClientRect();
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(at.left, room))}px`;
    const above = at.top - tip.offsetHeight - 8;
    tip.style.top = `${above > 0 ? above : at.bottom + 8}px`;
  };
  for (const term of document.querySelectorAll(".term")) {
    for (const event of ["pointerenter", "focus", "click"]) term.addEventListener(event, () => show(term));
    for (const event of ["pointerleave", "blur"]) term.addEventListener(event, hide);
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("scroll", hide, true);
}

/* One image at a time. */
{
  const buttons = [...document.querySelectorAll(".chooser button")];
  const choose = (chosen) => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button === chosen));
      document.getElementById(button.getAttribute("aria-controls")).hidden = button !== chosen;
    }
  };
  for (const button of buttons) button.addEventListener("click", () => choose(button));
  if (buttons.length) {
    buttons[0].parentElement.hidden = false;
    choose(buttons[0]);
  }
}

/* The two pictures of the stage: which strip, which of its panes. */
function chooseSide(gallery, number, side, strip, pane) {
  const fieldset = gallery.querySelectorAll("fieldset")[side === "left" ? 0 : 1];
  const [ofStrips, ofPanes] = fieldset.querySelectorAll("select");
  const picture = document.createElement("img");
  picture.draggable = false;
  gallery.querySelector(`.side.${side}`).append(picture);
  const show = () => {
    const source = document.getElementById(`pane-${number}-${ofStrips.value}-${ofPanes.value}`);
    picture.src = source.src;
    picture.alt = `${side}: ${source.alt}`;
  };
  const fill = () => {
    const kept = ofPanes.selectedOptions.length ? ofPanes.selectedOptions[0].text : "";
    const panes = names[number][ofStrips.value].panes;
    ofPanes.replaceChildren(...panes.map((name, index) => new Option(name, index)));
    ofPanes.value = Math.max(0, panes.indexOf(kept));
    show();
  };
  ofStrips.replaceChildren(...names[number].map(({ name }, index) => new Option(name || "x and y", index)));
  ofStrips.addEventListener("change", fill);
  ofPanes.addEventListener("change", show);
  ofStrips.value = strip;
  fill();
  ofPanes.value = pane;
  show();
}

/* The line between them: dragged anywhere on the stage, or moved by keys. A click that does not drag zooms. */
function slide(gallery, zoom) {
  const stage = gallery.querySelector(".stage");
  const handle = gallery.querySelector(".handle");
  const move = (percent) => {
    const at = Math.min(100, Math.max(0, percent));
    stage.style.setProperty("--at", `${at}%`);
    handle.setAttribute("aria-valuenow", String(Math.round(at)));
    handle.setAttribute("aria-valuetext", `${Math.round(at)} % of the left picture`);
  };
  const follow = (event) => {
    const { left, width } = stage.getBoundingClientRect();
    move((100 * (event.clientX - left)) / width);
  };
  let start = null;
  let dragged = false;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    start = event.clientX;
    dragged = event.target === handle;
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (start === null) {
      zoom.follow(event, stage);
      return;
    }
    dragged ||= Math.abs(event.clientX - start) > 4;
    if (dragged) follow(event);
  });
  stage.addEventListener("pointerup", (event) => {
    if (start !== null && !dragged) zoom.toggle(event, stage);
    start = null;
  });
  stage.addEventListener("pointercancel", () => { start = null; });
  handle.addEventListener("keydown", (event) => {
    const now = Number(handle.getAttribute("aria-valuenow"));
    const to = {
      ArrowLeft: now - 2, ArrowDown: now - 2, ArrowRight: now + 2, ArrowUp: now + 2,
      PageDown: now - 10, PageUp: now + 10, Home: 0, End: 100,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  });
}

/* The same place of all pictures of an image. */
class Zoom {
  constructor(gallery) {
    this.gallery = gallery;
    this.button = gallery.querySelector(".zoom");
    this.place = [50, 50];
    this.button.addEventListener("click", () => this.set(!this.on));
    this.button.addEventListener("keydown", (event) => this.step(event));
    for (const pane of gallery.querySelectorAll(".pane")) {
      pane.addEventListener("click", (event) => this.toggle(event, pane));
      pane.addEventListener("pointermove", (event) => this.follow(event, pane));
    }
  }

  get on() {
    return this.gallery.classList.contains("zoomed");
  }

  set(on) {
    this.gallery.classList.toggle("zoomed", on);
    this.button.setAttribute("aria-pressed", String(on));
  }

  toggle(event, pane) {
    this.set(!this.on);
    this.follow(event, pane);
  }

  follow(event, pane) {
    if (!this.on) return;
    const { left, top, width, height } = pane.getBoundingClientRect();
    this.look((100 * (event.clientX - left)) / width, (100 * (event.clientY - top)) / height);
  }

  look(...place) {
    this.place = place.map((percent) => Math.min(100, Math.max(0, percent)));
    this.gallery.style.setProperty("--x", `${this.place[0]}%`);
    this.gallery.style.setProperty("--y", `${this.place[1]}%`);
  }

  step(event) {
    if (event.key === "Escape") this.set(false);
    const by = { ArrowLeft: [-5, 0], ArrowRight: [5, 0], ArrowUp: [0, -5], ArrowDown: [0, 5] }[event.key];
    if (!this.on || by === undefined) return;
    event.preventDefault();
    this.look(this.place[0] + by[0], this.place[1] + by[1]);
  }
}

for (const [number, gallery] of [...document.querySelectorAll(".gallery")].entries()) {
  gallery.querySelector(".compare").hidden = false;
  const restored = names[number].length > 1;
  chooseSide(gallery, number, "left", 0, 1);
  chooseSide(gallery, number, "right", restored ? 1 : 0, 0);
  slide(gallery, new Zoom(gallery));
}
