"use strict";
// Shows released rows as charts and tables. No figure is computed here; the address holds what is chosen.
const held = JSON.parse(document.getElementById("data").textContent);
const names = held.columns;
const rows = held.rows.map((row) => Object.fromEntries(row.map((value, at) => [names[at], names[at] in held.words ? held.words[names[at]][value] : value])));
const field = (name) => document.getElementById(name);
const one = (name) => field(name).value;
const unique = (list) => [...new Set(list)];
const figure = (value) => (value === null ? "" : value >= 1000 ? Math.round(value).toLocaleString("en-GB") : String(value));
const MARK = { suppressed: "[c]", "not available": "[x]" };
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const address = () => new URLSearchParams(location.hash.includes("indicator=") ? location.hash.slice(1) : held.start);
const CHOICES = ["domain", "indicator", "measure", "comparator", "adjustment", "year"];

function options(select, values, wanted) {
  select.replaceChildren(...values.map((value) => new Option((held.named || {})[value] || value, value)));
  if (values.includes(wanted)) select.value = wanted;
}

function offer(state) {
  // Each choice offers only what the choices before it leave.
  let left = rows;
  for (const name of CHOICES) {
    const column = { measure: "measure", year: "period" }[name] || name;
    const values = unique(left.map((row) => row[column]));
    if (name === "year") values.sort().reverse();
    if (name === "comparator") values.sort((a, b) => (b === held.first) - (a === held.first));
    if (name === "adjustment") values.sort((a, b) => held.steps.indexOf(b) - held.steps.indexOf(a));
    options(field(name), values, state.get(name) || one(name));
    if (name !== "year") left = left.filter((row) => row[column] === one(name));
    field(name).disabled = values.length < 2;
  }
  return left;
}

function chosen() {
  return [...document.querySelectorAll("#groups input:checked")].map((box) => box.value);
}

function shown(row) {
  if (row.estimate === null) return MARK[row.status] || "[x]";
  const near = row.rounded_to ? fill(held.said.nearest, { step: row.rounded_to }) : "";
  const between = fill(held.said.to, { low: figure(row.lower), high: figure(row.upper) });
  return row.lower === null ? figure(row.estimate) : `${figure(row.estimate)} (${between})${near}`;
}

async function draw(place, spec, data, words, unit, targets) {
  const box = field(place);
  const drawn = data.filter((row) => row.estimate !== null && row.lower !== null && row.upper !== null);
  box.replaceChildren();
  if (!drawn.length) {
    box.textContent = held.said.nothing;
    box.pictured = null;
    return;
  }
  const groups = chosen().filter((group) => drawn.some((row) => row.ethnic_group === group));
  const listed = JSON.stringify(spec).replaceAll('"{groups}"', groups.map((group) => JSON.stringify(group)).join(","));
  const narrow = box.clientWidth < 450 ? listed.replaceAll('"columns":2', '"columns":1') : listed;
  const titled = JSON.parse(narrow.replaceAll("{value}", JSON.stringify(unit).slice(1, -1)));
  titled.layer = titled.layer.filter((part) => targets.length || (part.data || {}).name !== "targets");
  const full = { ...titled, description: words, datasets: { ...spec.datasets, rows: drawn, targets } };
  const own = document.createElement("div"); // a drawing that comes late finds its place gone
  box.replaceChildren(own);
  const view = await vegaEmbed(own, full, { ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: false });
  if (own.isConnected) box.pictured = view.view;
}

function table(data) {
  const body = data.map((row) => {
    const line = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = row.ethnic_group;
    line.append(head, ...[row.period, shown(row)].map((text) => Object.assign(document.createElement("td"), { textContent: text })));
    return line;
  });
  field("rows").replaceChildren(...body);
}

function show() {
  const left = offer(address());
  const groups = chosen();
  const series = left.filter((row) => groups.includes(row.ethnic_group));
  const year = series.filter((row) => row.period === one("year"));
  const ratio = one("measure") !== "level";
  const unit = ratio ? fill(held.said.ratio, { comparator: one("comparator") }) : (left[0] || {}).unit;
  const title = `${one("indicator")}: ${unit}, ${one("adjustment")}`;
  field("title").textContent = title;
  const words = `${title}, ${one("year")}. ${year.map((row) => `${row.ethnic_group}: ${shown(row)}`).join("; ")}.`;
  const kind = ratio ? "ratio" : "level";
  const drawn = year.filter((row) => row.lower !== null).map((row) => row.ethnic_group);
  const aims = held.targets.filter((aim) => !ratio && aim.indicator === one("indicator") && drawn.includes(aim.ethnic_group));
  field("targets").hidden = !aims.length;
  field("targets").querySelector("span").textContent = aims.map((aim) => aim.words).join(" ");
  draw("by-group", held.specs[`${kind}_groups`], year, words, unit, aims);
  const years = unique(series.map((row) => row.period));
  field("time").hidden = years.length < 2;
  if (years.length > 1) draw("over-time", held.specs[`${kind}_years`], series, fill(held.said.years, { title }), unit, []);
  table(series);
  const hidden = series.filter((row) => row.estimate === null).length;
  field("said").textContent = fill(held.said.counted, { shown: series.length, hidden });
  const [badge, reason] = held.trust[one("indicator")] || [];
  field("trust").hidden = !badge;
  field("trust").querySelector(".badge").textContent = badge || "";
  field("trust").querySelector("span").textContent = reason || "";
  field("svg").disabled = !year.some((row) => row.lower !== null);
}

function remember() {
  const state = new URLSearchParams(CHOICES.map((name) => [name, one(name)]));
  state.set("groups", chosen().join("|"));
  history.replaceState(null, "", `#${state}`);
}

function save(name, type, text) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function csv() {
  const groups = chosen();
  const data = offer(address()).filter((row) => groups.includes(row.ethnic_group));
  const cell = (value) => `"${String(value ?? "").replace(/^(\s*[=+@\-])(?!\d)/, "'$1").replaceAll('"', '""')}"`;
  return [names.join(","), ...data.map((row) => names.map((name) => cell(row[name])).join(","))].join("\n") + "\n";
}

function restore() {
  const state = address();
  const wanted = state.has("groups") ? state.get("groups").split("|") : null;
  for (const box of document.querySelectorAll("#groups input")) box.checked = !wanted || wanted.includes(box.value);
  show();
}

for (const name of CHOICES) field(name).addEventListener("change", () => { remember(); show(); remember(); });
field("groups").addEventListener("change", () => { remember(); show(); remember(); });
field("csv").addEventListener("click", () => save("figures.csv", "text/csv", csv()));
field("svg").addEventListener("click", async () => field("by-group").pictured && save("figure.svg", "image/svg+xml", await field("by-group").pictured.toSVG()));
window.addEventListener("hashchange", () => {
  if (!location.hash.includes("indicator=")) return; // the skip link has an address of its own
  restore();
  field("title").focus();
});
restore();
