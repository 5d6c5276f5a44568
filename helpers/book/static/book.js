// Predictions, answers and sliders of the book. Without this script all of it can still be read.
"use strict";

// What was committed, by key: {said: words, seen: whether its answer has been opened}. Where the
// browser keeps nothing, or is full, it holds until the page is left.
const kept = {
  read(key) {
    if (key in kept.here) return kept.here[key];
    try { return JSON.parse(localStorage.getItem("ctl:" + key)); } catch { return null; }
  },
  write(key, value) {
    try { localStorage.setItem("ctl:" + key, JSON.stringify(value)); } catch { kept.here[key] = value; }
  },
  here: {},
};

function show(form) {
  const prediction = kept.read(form.dataset.key);
  if (!prediction) return;
  const until = prediction.seen ? "It stays as it is."
    : "forecast" in form.dataset ? "You can change it at any time."
    : "You can change it until its answer is shown.";
  form.querySelector("[role=status]").textContent = `Committed: ${prediction.said}. ${until}`;
  for (const field of form.querySelectorAll("input, button")) field.disabled = prediction.seen;
}

function commit(form) {
  const data = new FormData(form);
  const said = form.querySelector("[role=status]");
  if (data.has("choice")) {
    kept.write(form.dataset.key, {said: `“${data.get("choice")}” with ${data.get("sure")} % confidence`});
  } else {
    const [low, high] = [Number(data.get("from")), Number(data.get("to"))];
    if (low > high || (low === high && form.elements.from.step === "any")) {
      said.textContent = `Not committed: “from” must be below “to”, got ${low} and ${high}.`;
      return;
    }
    kept.write(form.dataset.key, {said: `${low} to ${high}, meant to hold in 80 % of cases`});
  }
  show(form);
}

for (const form of document.querySelectorAll(".ctl-predict")) {
  form.addEventListener("submit", (event) => { event.preventDefault(); commit(form); });
  const sure = form.querySelector("[name=sure]");
  if (sure) sure.addEventListener("input", () => { sure.nextElementSibling.value = sure.value; });
  show(form);
}

for (const answer of document.querySelectorAll(".ctl-answer[data-needs]")) {
  const keys = answer.dataset.needs.split(" ");
  const line = document.createElement("p");
  line.setAttribute("role", "status");
  answer.after(line);
  answer.addEventListener("toggle", () => {
    if (!answer.open) return;
    const open = keys.filter((key) => !kept.read(key));
    if (open.length) { // however it was opened: by a click, by a search in the page
      answer.open = false;
      line.textContent = "Commit your prediction first: ";
      line.append(...open.map((key, n) => link(key, n)));
      return;
    }
    line.textContent = "You said: " + keys.map((key) => kept.read(key).said).join("; ") + ".";
    for (const key of keys) {
      kept.write(key, {...kept.read(key), seen: true});
      const form = document.getElementById("predict-" + key);
      if (form) show(form);
    }
  });
}

function link(key, number) {
  const a = document.createElement("a");
  a.href = "#predict-" + key;
  a.textContent = number ? ", and this one" : "go to it";
  return a;
}

for (const box of document.querySelectorAll(".ctl-explorer")) {
  const frames = JSON.parse(box.querySelector("script").textContent);
  const controls = [...box.querySelectorAll("input, select")];
  const draw = () => {
    let place = 0;
    for (const control of controls) {
      const options = control.options || JSON.parse(control.dataset.options);
      place = place * options.length + Number(control.value);
      if (control.options) continue; // a menu says itself where it stands
      control.nextElementSibling.value = options[control.value];
      control.setAttribute("aria-valuetext", options[control.value]);
    }
    const image = box.querySelector("img");
    [image.src, image.alt, box.querySelector("[role=status]").textContent] = frames[place];
  };
  for (const control of controls) control.addEventListener("input", draw);
}
