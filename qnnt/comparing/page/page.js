"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const names = [...new Set(data.runs.map((run) => run.contestant))];
const COLOURS = ["currentColor", "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9"];
const DASHES = ["", "6 3", "2 2"];
const colour = (name) => COLOURS[names.indexOf(name) % COLOURS.length];
const dash = (name) => DASHES[Math.floor(names.indexOf(name) / COLOURS.length) % DASHES.length];

// All text goes through textContent, so that no name is read as HTML.
function element(tag, attributes = {}, ...children) {
  const made = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

// A table whose heads sort its rows; rows without a value come last, either way. `fixed` rows stay at the end.
function sortable(table, columns, rows, draw, fixed = 0) {
  let sorted = null, rising = true;
  const body = element("tbody");
  const heads = columns.map((column, i) => {
    const button = element("button", { type: "button" }, column.head);
    button.addEventListener("click", () => {
      rising = sorted === i ? !rising : true;
      sorted = i;
      refresh();
    });
    return element("th", { class: column.class ?? "", scope: "col" }, button);
  });
  function refresh() {
    const moving = rows.slice(0, rows.length - fixed);
    if (sorted !== null) {
      const key = columns[sorted].key, missing = (value) => value === null || value === undefined;
      moving.sort((one, other) => {
        const [a, b] = [key(one), key(other)];
        if (missing(a) || missing(b)) return missing(a) - missing(b);
        const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
        return rising ? order : -order;
      });
    }
    heads.forEach((head, i) => head.setAttribute("aria-sort", i !== sorted ? "none" : rising ? "ascending" : "descending"));
    body.replaceChildren(...[...moving, ...rows.slice(rows.length - fixed)].flatMap(draw));
  }
  table.append(element("thead", {}, element("tr", {}, ...heads)), body);
  refresh();
  return refresh;
}

function cells(columns, row) {
  return columns.map((column) => element("td", { class: column.class ?? "" }, shown(column.key(row))));
}

// Contestants
byId("about").textContent = data.about;
if (data.wrong.length) {
  byId("wrong").hidden = false;
  byId("wrong").querySelector("ul").append(...data.wrong.map((line) => element("li", {}, line)));
}
const classes = { contestant: "text name", refused: "minor", unavailable: "minor", "PAR-2 geometric": "minor", "fastest %": "minor", alone: "minor" };
const summary = data.summary.head.map((head, i) => ({ head, key: (row) => row[i], class: classes[head] ?? "" }));
if (data.summary.rows.length) {
  sortable(byId("summary"), summary, data.summary.rows, (row) => element("tr", {}, ...cells(summary, row)), 1);
} else {
  byId("summary").replaceWith("No case has been run by all contestants.");
}

// Plots
const W = 480, H = 340, LEFT = 46, BOTTOM = 36, TOP = 8, RIGHT = 10;
const least = Math.min(data.timeLimit, ...data.runs.filter((r) => r.outcome === "solved" && r.clock > 0).map((r) => r.clock));
const low = Math.floor(Math.log10(Math.max(least, 1e-4)) + 1e-9), high = Math.max(Math.log10(2 * data.timeLimit), low + 1);
const share = (seconds) => (Math.log10(Math.max(seconds, 10 ** low)) - low) / (high - low);
const up = (seconds) => H - BOTTOM - share(seconds) * (H - BOTTOM - TOP);
const across = (seconds) => LEFT + share(seconds) * (W - LEFT - RIGHT);
const decades = [];
for (let power = low; power <= high; power += 1) decades.push(10 ** power);
const tick = (value) => (value >= 1 ? String(value) : value.toFixed(Math.round(-Math.log10(value))));

function label(text, x, y, anchor, more = {}) {
  return element("svg:text", { x, y, "text-anchor": anchor, ...more }, text);
}
function line(x1, y1, x2, y2, kind) {
  return element("svg:line", { x1, y1, x2, y2, class: kind });
}
function frame(title, words, across_label, up_label) {
  const svg = element("svg:svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": words });
  svg.append(element("svg:title", {}, title));
  for (const seconds of decades) {
    svg.append(line(LEFT, up(seconds), W - RIGHT, up(seconds), "grid"), label(tick(seconds), LEFT - 6, up(seconds) + 4, "end"));
  }
  svg.append(line(LEFT, up(data.timeLimit), W - RIGHT, up(data.timeLimit), "limit"));
  svg.append(label(across_label, (LEFT + W - RIGHT) / 2, H - 4, "middle"));
  svg.append(label(up_label, 0, 0, "middle", { transform: `translate(10 ${(H - BOTTOM + TOP) / 2}) rotate(-90)` }));
  return svg;
}

function cactus() {
  const series = names.map((name) => [name, data.runs.filter((r) => r.counts && r.contestant === name && r.outcome === "solved" && r.clock !== null)
    .map((r) => r.clock).sort((a, b) => a - b)]);
  const most = Math.max(1, ...series.map(([, seconds]) => seconds.length));
  const svg = frame("cactus plot", "seconds of solved runs in rising order", "cases solved", "seconds");
  const x = (count) => LEFT + (count / most) * (W - LEFT - RIGHT);
  for (let count = 0; count <= most; count += Math.ceil(most / 8)) svg.append(label(count, x(count), H - BOTTOM + 16, "middle"));
  const legend = element("ul", { class: "legend" });
  series.sort((a, b) => b[1].length - a[1].length);
  for (const [name, seconds] of series) {
    const style = { stroke: colour(name), "stroke-dasharray": dash(name), fill: "none", "stroke-width": 1.8 };
    const points = seconds.map((s, i) => `${x(i + 1)},${up(s)}`).join(" ");
    svg.append(element("svg:polyline", { points, ...style }));
    seconds.forEach((s, i) => svg.append(element("svg:circle", { cx: x(i + 1), cy: up(s), r: most > 60 ? 1.2 : 2.2, fill: colour(name) })));
    const key = element("svg:svg", { viewBox: "0 0 24 10" }, element("svg:line", { x1: 0, y1: 5, x2: 24, y2: 5, ...style }));
    legend.append(element("li", {}, key, `${name} (${seconds.length})`));
  }
  byId("cactus").replaceChildren(svg, legend);
}

function scatter() {
  const [one, other] = [byId("across").value, byId("up").value];
  const of = (name) => new Map(data.runs.filter((run) => run.contestant === name).map((run) => [run.cell, run]));
  const [first, second] = [of(one), of(other)];
  const svg = frame("scatter plot", `seconds of ${one} and of ${other}`, `${one}, seconds`, `${other}, seconds`);
  for (const seconds of decades) {
    svg.append(line(across(seconds), TOP, across(seconds), H - BOTTOM, "grid"), label(tick(seconds), across(seconds), H - BOTTOM + 16, "middle"));
  }
  svg.append(line(across(data.timeLimit), TOP, across(data.timeLimit), H - BOTTOM, "limit"));
  svg.append(line(across(10 ** low), up(10 ** low), across(10 ** high), up(10 ** high), "limit"));
  const par2 = (run) => (run.outcome === "solved" && run.clock !== null ? run.clock : 2 * data.timeLimit);
  let wins = 0, losses = 0;
  for (const [cell, run] of first) {
    const rival = second.get(cell);
    if (rival === undefined) continue;
    const [a, b] = [par2(run), par2(rival)];
    wins += a < b;
    losses += b < a;
    const tip = `${cell}: ${one} ${a < 2 * data.timeLimit ? shown(a) + " s" : run.outcome}, ${other} ${b < 2 * data.timeLimit ? shown(b) + " s" : rival.outcome}`;
    svg.append(element("svg:circle", { cx: across(a), cy: up(b), r: 4, fill: [run.outcome, rival.outcome].includes("wrong") ? "var(--red)" : "var(--dot)", "fill-opacity": 0.65 },
      element("svg:title", {}, tip)));
  }
  const words = `${one} is faster on ${wins}, ${other} on ${losses}. Dashed: the time limit and the diagonal; not solved: twice the limit.`;
  byId("scatter").replaceChildren(svg, element("p", { class: "note" }, words));
}

for (const [id, chosen] of [["across", 0], ["up", Math.min(1, names.length - 1)]]) {
  byId(id).append(...names.map((name) => element("option", { value: name }, name)));
  byId(id).selectedIndex = chosen;
  byId(id).addEventListener("change", scatter);
}
cactus();
scatter();

// Runs; the folder that all cases lie in is left out of the table
const folders = data.runs.map((run) => run.case.slice(0, run.case.lastIndexOf("/") + 1));
const common = folders.every((folder) => folder === folders[0]) ? folders[0] : "";
const several = data.runs.some((run) => run.seed);
const columns = [
  { head: "case", key: (run) => run.case.slice(common.length), class: "text name" },
  ...(several ? [{ head: "seed", key: (run) => run.seed }] : []),
  { head: "contestant", key: (run) => run.contestant, class: "text" },
  { head: "result", key: (run) => (run.outcome === "wrong" ? "≠ " : "") + (run.status ?? run.outcome), class: "text whole" },
  { head: "errors", key: (run) => run.errors, class: "minor" },
  { head: "bound", key: (run) => run.lower_bound, class: "minor" },
  { head: "seconds", key: (run) => run.clock },
  { head: "limit", key: (run) => run.limit, class: "text minor" },
];
const HIDDEN = ["clock", "cell", "command"];
function details(run) {
  const facts = element("dl");
  const say = (what, value) => facts.append(element("dt", {}, what), element("dd", {}, value));
  if (run.command) {
    const copy = element("button", { type: "button" }, "copy");
    copy.addEventListener("click", () => navigator.clipboard?.writeText(run.command));
    say("command", element("span", { class: "controls" }, element("code", {}, run.command), navigator.clipboard ? copy : null));
  }
  for (const [key, value] of Object.entries(run)) {
    if (HIDDEN.includes(key) || value === null || value === "" || (typeof value === "object" && !Object.keys(value).length)) continue;
    let text = shown(value);
    if (key === "incumbents") text = value.map(([seconds, errors]) => `${errors} at ${shown(seconds)} s`).join(", ");
    else if (typeof value === "object") text = Object.entries(value).map(([what, n]) => `${what} ${typeof n === "number" ? n.toLocaleString("en") : n}`).join(", ");
    say(key.replaceAll("_", " "), text);
  }
  return element("tr", { class: "details" }, element("td", { colspan: columns.length }, facts));
}
const open = new Set();
function row(run) {
  const line = element("tr", { class: `run${run.outcome === "wrong" ? " refuted" : ""}`, tabindex: 0, "aria-expanded": open.has(run) }, ...cells(columns, run));
  const toggle = () => {
    if (!open.delete(run)) open.add(run);
    refresh();
  };
  line.addEventListener("click", toggle);
  line.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      toggle();
    }
  });
  return open.has(run) ? [line, details(run)] : [line];
}
function fits(run) {
  const words = byId("search").value.toLowerCase().split(/\s+/), text = `${run.cell} ${run.contestant} ${run.status} ${run.reason}`.toLowerCase();
  const [who, outcome] = [byId("contestant").value, byId("outcome").value];
  return words.every((word) => text.includes(word)) && (!who || run.contestant === who)
    && (!outcome || run.outcome === outcome);
}
const listed = [...data.runs];
const redraw = sortable(byId("runs"), columns, listed, row);
function refresh() {
  listed.splice(0, listed.length, ...data.runs.filter(fits));
  byId("shown").textContent = `${listed.length} of ${data.runs.length} runs; click one for its details`;
  redraw();
}
const outcomes = [...new Set(data.runs.map((run) => run.outcome))];
for (const [id, values] of [["contestant", names], ["outcome", outcomes]]) {
  byId(id).append(element("option", { value: "" }, "all"), ...values.map((value) => element("option", { value }, value)));
  byId(id).addEventListener("change", refresh);
}
byId("search").addEventListener("input", refresh);
byId("filters").addEventListener("submit", (event) => event.preventDefault());
refresh();
