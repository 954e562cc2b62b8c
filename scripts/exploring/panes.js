/* The pictures: pixels as they came, a canvas of each, and the values under the pointer. */

const LONG = { y: "y, what is given", x: "x, the truth", sample: "sample", mean: "mean", std: "spread (std)" };
const ORDER = ["y", "sample", "mean", "std", "x"];
const round = (value) => value.toFixed(value < 10 ? 1 : 0);

export class Panes {
  constructor(parent) {
    this.parent = parent;
    this.shown = new Map();
    this.at = [0, 0];
  }

  /* A picture of `width` x `height`; whether that is another size, for which all panes were taken away. */
  open(width, height, known) {
    const same = this.width === width && this.height === height;
    [this.width, this.height] = [width, height];
    if (!same) this.clear();
    if (!known) this.remove("x");
    this.parent.classList.toggle("known", known);
    return !same;
  }

  clear() {
    for (const name of [...this.shown.keys()]) this.remove(name);
  }

  remove(name) {
    this.shown.get(name)?.figure.remove();
    this.shown.delete(name);
  }

  get held() {
    return [...this.shown.values()].map((pane) => pane.key);
  }

  /* As large as the largest so far of this picture, so that the spread of other settings can be compared. */
  forgetScale() {
    this.scale = 0;
  }

  show({ name, key, channels, pixels, count, largest }) {
    const pane = this.shown.get(name) || this.add(name);
    Object.assign(pane, { key, channels, pixels, largest });
    pane.title.textContent = count === undefined ? LONG[name] : `${LONG[name]} of ${count}`;
    if (name === "std") {
      this.scale = Math.max(this.scale, largest) || 1;
      pane.most.textContent = `${round(this.scale)} of 255`;
    }
    this.draw(pane, name === "std" ? largest / this.scale : 1);
    pane.figure.classList.remove("awaited");
    this.readPane(pane);
  }

  /* Dimmed until they come again. */
  await(...names) {
    for (const name of names) this.shown.get(name)?.figure.classList.add("awaited");
  }

  settle() {
    for (const { figure } of this.shown.values()) figure.classList.remove("awaited");
  }

  draw({ canvas, channels, pixels }, gain) {
    canvas.width = this.width;
    canvas.height = this.height;
    const image = new ImageData(this.width, this.height);
    for (let pixel = 0, from = 0; pixel < image.data.length; pixel += 4, from += channels) {
      for (let colour = 0; colour < 3; colour += 1) image.data[pixel + colour] = gain * pixels[from + (channels === 3 ? colour : 0)];
      image.data[pixel + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  add(name) {
    const make = (tag, className, parent) => {
      const element = document.createElement(tag);
      element.className = className;
      parent?.append(element);
      return element;
    };
    const figure = make("figure", "pane");
    figure.dataset.name = name;
    const frame = make("div", "frame", figure);
    const canvas = make("canvas", "", frame);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", LONG[name]);
    make("div", "at", frame);
    const caption = make("figcaption", "", figure);
    const pane = { name, figure, canvas, title: make("span", "name", caption) };
    if (name === "std") {
      const scale = make("span", "scale", caption);
      scale.append("0", make("i", ""));
      pane.most = make("span", "", scale);
    }
    pane.value = make("span", "value", caption);
    const next = ORDER.slice(ORDER.indexOf(name) + 1).map((later) => this.shown.get(later)).find(Boolean);
    this.parent.insertBefore(figure, next ? next.figure : this.parent.querySelector(".words"));
    this.shown.set(name, pane);
    return pane;
  }

  /* The values of one pixel in every picture. */
  read(x, y) {
    this.at = [x, y];
    for (const pane of this.shown.values()) this.readPane(pane);
  }

  readPane({ name, pixels, channels, largest, value }) {
    const start = channels * (this.at[1] * this.width + this.at[0]);
    const values = [...pixels.slice(start, start + channels)];
    value.textContent = name === "std" ? `± ${((values[0] * largest) / 255).toFixed(1)}` : values.join(" ");
  }
}
