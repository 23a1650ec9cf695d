"use strict";
// Leaves the lines that hold every word typed. Without scripts the page is a plain index.
const ask = document.getElementById("ask");
const none = document.getElementById("none");
const lines = [...document.querySelectorAll("main section li")];
const label = Object.assign(document.createElement("label"), { htmlFor: "words", textContent: ask.textContent });
const field = Object.assign(document.createElement("input"), { id: "words", type: "search", autocomplete: "off" });
ask.replaceChildren(label, document.createElement("br"), field);
none.setAttribute("role", "status");

function show() {
  const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const line of lines) line.hidden = !wanted.every((word) => line.textContent.toLowerCase().includes(word));
  for (const part of document.querySelectorAll("main section")) part.hidden = !part.querySelector("li:not([hidden])");
  none.classList.toggle("hidden", lines.some((line) => !line.hidden));
  history.replaceState(null, "", field.value ? `#${encodeURIComponent(field.value)}` : "#");
}

field.value = decodeURIComponent(location.hash.slice(1));
field.addEventListener("input", show);
if (field.value) show();
