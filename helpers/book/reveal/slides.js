// Starts reveal.js, and makes a slide that is still too full smaller until it fits.
"use strict";

const frame = document.querySelector(".reveal");
const [width, height] = [Number(frame.dataset.width), Number(frame.dataset.height)];

function fits(slide, body) {
  const room = slide.getBoundingClientRect();
  const foot = 36 * room.height / height;
  return body.getBoundingClientRect().bottom <= room.bottom - foot && body.scrollWidth <= body.clientWidth + 1;
}

// Pictures first, then all.
function fit(slide) {
  const body = slide && slide.querySelector(":scope > .body");
  if (!body) return;
  body.style.fontSize = "100%";
  for (const name of ["--picture", "font-size"]) {
    for (let percent = 100; percent >= 55; percent -= 5) {
      body.style.setProperty(name, name === "font-size" ? `${percent}%` : percent);
      if (fits(slide, body)) return;
    }
  }
}

Reveal.initialize({
  width, height, margin: 0.02, center: false, hash: true, transition: "none",
  slideNumber: "h.v", controlsTutorial: false,
}).then(() => fit(Reveal.getCurrentSlide()));
Reveal.on("slidechanged", (event) => fit(event.currentSlide));
for (const late of ["toggle", "load"]) { // a reason unfolds, a picture comes
  document.addEventListener(late, () => fit(Reveal.getCurrentSlide()), true);
}
