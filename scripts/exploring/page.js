/* What is chosen, asked for once it rests, and shown as it comes. */

import { Panes } from "./panes.js";
import { ask, messages } from "./stream.js";
import { Zoom } from "./zoom.js";

const REST = 120; // milliseconds without a change
const $ = (id) => document.getElementById(id);
const model = JSON.parse($("explorer").dataset.model);
const panes = new Panes($("panes"));
const zoom = new Zoom($("panes"), (x, y) => {
  panes.read(x, y);
  $("place").textContent = `x ${x}, y ${y}`;
});
let picture = null; // its id on the server
let name = "picture";
let opening = ""; // what was asked for of a file
let opened = ""; // what is shown of one, to which the scale of the spread belongs
let running = null; // the question that is being answered
let waiting = 0;
const WELCOME = $("welcome").textContent;

const number = (id, otherwise) => ($(id) ? Number($(id).value) : otherwise);

function question() {
  return {
    picture,
    degrade: $("degrade").checked,
    sigma: model.sigma && !$("auto").checked ? number("sigma", null) : null,
    seed: number("seed", 0),
    sample: number("sample", 1),
    other: number("other", 2),
    share: number("share", 0) / 90,
    sigma_z: number("sigma_z", 1),
    alpha: number("alpha", 1),
    average: 2 ** number("average", 0),
  };
}

function say(id, text) {
  $(id).textContent = text || "";
  $(id).hidden = !text;
}

/* The pictures and what can be done with them, or else the welcome. */
function reveal(there) {
  $("welcome").hidden = there;
  for (const id of ["tools", "panes", "warnings"]) $(id).hidden = !there;
  for (const id of ["another", "save"]) if ($(id)) $(id).disabled = !there;
}

function fail(error) {
  $("welcome").textContent = WELCOME;
  say("error", error.message.replace(/^./, (first) => first.toUpperCase()) + (/[.!?]$/.test(error.message) ? "" : "."));
}

/* Every control says what it is set to. */
function describe() {
  const { alpha, average, sigma_z } = question();
  if (model.alpha) $("alpha-words").textContent = String(alpha);
  if (!model.stochastic) return;
  $("share-words").textContent = `${$("share").value}°`;
  $("share").setAttribute("aria-valuetext", `${$("share").value} of 90 degrees`);
  $("sigma_z-words").textContent = String(sigma_z);
  $("average-words").textContent = String(average);
  $("average").setAttribute("aria-valuetext", `${average} samples`);
}

function changed() {
  describe();
  clearTimeout(waiting);
  running?.abort();
  if (picture) waiting = setTimeout(look, REST);
}

async function look() {
  const wrong = document.querySelector("input:invalid");
  if (wrong) {
    fail(new Error(`${wrong.ariaLabel || wrong.labels[0].innerText.trim()}: ${wrong.validationMessage}`));
    return;
  }
  const mine = new AbortController();
  running = mine;
  const asked = question();
  opening = JSON.stringify([asked.picture, asked.degrade, asked.sigma, asked.degrade ? asked.seed : 0]);
  if (opening !== opened) panes.await("y", "x", "sample", "mean", "std");
  say("error", "");
  $("progress").hidden = false;
  $("progress").removeAttribute("value");
  panes.parent.setAttribute("aria-busy", "true");
  try {
    const response = await ask("/view", JSON.stringify({ ...asked, held: panes.held }), mine.signal);
    for await (const message of messages(response)) if (running === mine) show(message);
    if (running === mine) panes.settle();
  } catch (error) {
    if (running === mine && error.name !== "AbortError") {
      fail(error);
      if (opening !== opened) reveal(false);
    }
  }
  if (running !== mine) return;
  running = null;
  $("progress").hidden = true;
  panes.parent.removeAttribute("aria-busy");
}

const SHOW = {
  picture({ width, height, known, warnings }) {
    reveal(true);
    if (opening !== opened) panes.forgetScale();
    opened = opening;
    if (panes.open(width, height, known)) zoom.open(width, height);
    $("warnings").replaceChildren(...warnings.map((text) => Object.assign(document.createElement("li"), { textContent: sentence(text) })));
    $("warnings").hidden = !warnings.length;
  },
  pane(message) {
    panes.show(message);
  },
  sample({ words, proof, exact }) {
    $("sample-words").textContent = words;
    $("proof").hidden = !proof;
    $("proof").className = `proof ${exact ? "good" : "warning"}`;
    $("proof").firstElementChild.textContent = exact ? "✓" : "!";
    $("proof-words").textContent = proof || "";
  },
  progress({ done, of }) {
    panes.await("mean", "std");
    $("progress").value = done / of;
  },
  mean({ words, done, of }) {
    $("mean-words").textContent = words;
    $("more").hidden = done === of;
  },
};

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
const show = (message) => SHOW[message.kind](message);

/* A file goes to the server once; whatever is changed later is asked of its id. */
async function open(path, body, called, clean) {
  try {
    if (body && body.size > model.max_bytes) throw new Error(`the file has more than ${model.max_bytes.toLocaleString("en")} bytes, which is the limit`);
    $("welcome").textContent = "The picture is being read.";
    const { picture: id } = await (await ask(path, body)).json();
    [picture, name] = [id, called];
    $("degrade").checked = clean;
    changed();
  } catch (error) {
    fail(error);
  }
}

const upload = (file) => open("/upload", file, file.name.replace(/\.[^.]*$/, "") || "picture", $("degrade").checked && name !== "bundled");

async function save() {
  try {
    const asked = question();
    const answer = await ask("/sample", JSON.stringify(asked));
    const which = asked.share === 0 ? asked.sample : asked.share === 1 ? asked.other : `${asked.sample}to${asked.other}`;
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await answer.blob()), download: `${name}_sample${which}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch (error) {
    fail(error);
  }
}

function another() {
  $("sample").value = number("sample", 1) + 1;
  $("other").value = number("sample", 1) + 1;
  $("share").value = 0;
  changed();
}

function accept(transfer) {
  const [file] = transfer.files;
  if (file) upload(file);
  else fail(new Error("that is no file"));
}

for (const form of document.forms) {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => { if (event.target.type !== "file") changed(); });
}
$("file").addEventListener("change", () => {
  accept($("file"));
  $("file").value = "";
});
$("bundled").addEventListener("click", () => open("/bundled", null, "bundled", true));
$("auto")?.addEventListener("input", () => { $("sigma").disabled = $("auto").checked; });
$("another")?.addEventListener("click", another);
$("save").addEventListener("click", save);
$("more").addEventListener("click", changed);
$("closer").addEventListener("click", () => zoom.about(1.6));
$("farther").addEventListener("click", () => zoom.about(1 / 1.6));
$("fit").addEventListener("click", () => zoom.fit());
$("full").addEventListener("click", () => zoom.full());
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  $("dropping").hidden = false;
});
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("dropping").hidden = true; });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("dropping").hidden = true;
  accept(event.dataTransfer);
});
describe();
