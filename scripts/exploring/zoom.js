/* One place and one magnification for all pictures, by wheel, pinch, drag, double click and keys. */

const LARGEST_PIXEL = 48; // CSS pixels a side
const STEP = 1.25;
const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

export class Zoom {
  /* `panes` holds the frames; `read(x, y)` is called with the pixel that is pointed at. */
  constructor(panes, read) {
    this.panes = panes;
    this.read = read;
    this.pointers = new Map();
    this.size = [1, 1];
    this.at = [0, 0];
    this.set(1, 0, 0);
    panes.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    panes.addEventListener("pointerdown", (event) => this.down(event));
    panes.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) panes.addEventListener(end, (event) => this.up(event));
    panes.addEventListener("dblclick", (event) => this.double(event));
    panes.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.set(this.zoom, this.left, this.top)).observe(panes);
  }

  /* A picture of another size. */
  open(width, height) {
    this.size = [width, height];
    this.panes.style.setProperty("--width", width);
    this.panes.style.setProperty("--height", height);
    this.set(1, 0, 0);
    this.point(Math.floor(width / 2), Math.floor(height / 2));
  }

  /* CSS pixels a pixel of the picture has at zoom 1. */
  get fitted() {
    const frame = this.panes.querySelector(".frame");
    return frame && frame.clientWidth ? frame.clientWidth / this.size[0] : 1;
  }

  set(zoom, left, top) {
    this.zoom = clamp(zoom, 1, Math.max(1, LARGEST_PIXEL / this.fitted));
    this.left = clamp(left, 0, 1 - 1 / this.zoom);
    this.top = clamp(top, 0, 1 - 1 / this.zoom);
    for (const name of ["zoom", "left", "top"]) this.panes.style.setProperty(`--${name}`, this[name]);
    this.panes.classList.toggle("zoomed", this.zoom > 1);
    this.panes.classList.toggle("pixels", this.fitted * this.zoom >= 1);
  }

  /* Magnified by a factor about a place of the frame, which stays where it is. */
  by(factor, x, y) {
    const [left, top] = [this.left + x / this.zoom, this.top + y / this.zoom];
    this.set(this.zoom * factor, 0, 0);
    this.set(this.zoom, left - x / this.zoom, top - y / this.zoom);
  }

  /* About the pixel that is read, or the middle where it is out of sight. */
  about(factor) {
    const [x, y] = this.seen();
    const inside = x >= 0 && x <= 1 && y >= 0 && y <= 1;
    this.by(factor, inside ? x : 0.5, inside ? y : 0.5);
  }

  fit() { this.set(1, 0, 0); }

  full() { this.about(1 / (this.fitted * this.zoom)); }

  /* Where in the frame the pixel that is read is. */
  seen() {
    return [(this.at[0] + 0.5) / this.size[0] - this.left, (this.at[1] + 0.5) / this.size[1] - this.top].map((part) => part * this.zoom);
  }

  point(x, y) {
    this.at = [clamp(x, 0, this.size[0] - 1), clamp(y, 0, this.size[1] - 1)];
    this.panes.style.setProperty("--at-x", (this.at[0] + 0.5) / this.size[0]);
    this.panes.style.setProperty("--at-y", (this.at[1] + 0.5) / this.size[1]);
    this.read(...this.at);
  }

  /* Of an event, the place in its frame as shares; null outside of frames. */
  place(event) {
    const frame = event.target.closest(".frame") || this.pointers.get(event.pointerId)?.frame;
    if (!frame) return null;
    const { left, top, width, height } = frame.getBoundingClientRect();
    return { frame, x: (event.clientX - left) / width, y: (event.clientY - top) / height };
  }

  pointAt({ x, y }) {
    this.point(Math.floor((this.left + x / this.zoom) * this.size[0]), Math.floor((this.top + y / this.zoom) * this.size[1]));
  }

  wheel(event) {
    const place = this.place(event);
    if (!place || (event.deltaY > 0 && this.zoom === 1)) return;
    event.preventDefault();
    this.by(STEP ** clamp(-event.deltaY / 60, -2, 2), place.x, place.y);
  }

  down(event) {
    const place = this.place(event);
    if (!place || event.button !== 0) return;
    place.frame.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, place);
    this.pointAt(place);
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    const place = this.place(event);
    if (!place) return;
    if (!before) {
      this.pointAt(place);
      return;
    }
    this.pointers.set(event.pointerId, place);
    if (this.pointers.size === 2) this.pinch(event.pointerId, before);
    else if (this.zoom > 1) {
      this.panes.classList.add("dragged");
      this.set(this.zoom, this.left - (place.x - before.x) / this.zoom, this.top - (place.y - before.y) / this.zoom);
    }
  }

  pinch(moved, before) {
    const [fixed] = [...this.pointers].filter(([id]) => id !== moved).map(([, place]) => place);
    const now = this.pointers.get(moved);
    const distance = (place) => Math.hypot(place.x - fixed.x, place.y - fixed.y) || 1e-6;
    this.by(distance(now) / distance(before), fixed.x, fixed.y);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    this.panes.classList.remove("dragged");
  }

  double(event) {
    const place = this.place(event);
    if (!place) return;
    if (this.zoom > 1) this.fit();
    else this.by(Math.max(4, 4 / this.fitted), place.x, place.y);
  }

  key(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const act = { "+": () => this.about(STEP), "=": () => this.about(STEP), "-": () => this.about(1 / STEP), 0: () => this.fit(), 1: () => this.full() }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || (!by && !act)) return;
    event.preventDefault();
    if (act) act();
    else this.walk(...by.map((step) => step * (event.shiftKey ? 16 : 1)));
  }

  /* To a pixel nearby, which is kept in sight. */
  walk(right, down) {
    this.point(this.at[0] + right, this.at[1] + down);
    const beyond = (share, pixels) => {
      const half = this.zoom / pixels / 2;
      return (Math.min(0, share - half) + Math.max(0, share + half - 1)) / this.zoom;
    };
    const [x, y] = this.seen();
    this.set(this.zoom, this.left + beyond(x, this.size[0]), this.top + beyond(y, this.size[1]));
  }
}
