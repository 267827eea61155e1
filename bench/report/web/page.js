"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const score = (value) => value.toFixed(3).replace(/^0/, "");

/* ── the table ─────────────────────────────────────────────────────────────────────────────────────────────────── */

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const numeric = head.dataset.kind === "number";
    // the first press shows the best on top
    const ways = numeric ? ["descending", "ascending"] : ["ascending", "descending"];
    const way = head.getAttribute("aria-sort") === ways[0] ? ways[1] : ways[0];
    heads.forEach((other) => other.setAttribute("aria-sort", other === head ? way : "none"));
    const key = (row) => row.cells[column].dataset.value;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === ""); // unknown values come last
      const order = numeric ? key(a) - key(b) : Number(key(a) > key(b)) - Number(key(a) < key(b));
      return way === "ascending" ? order : -order;
    });
    table.tBodies[0].append(...rows);
  }));
}

/* ── the precision–recall figure ───────────────────────────────────────────────────────────────────────────────── */

function svg(name, attributes, parent, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
}

const SIZE = 480, LEFT = 46, TOP = 12;
const x = (recall) => LEFT + SIZE * recall;
const y = (precision) => TOP + SIZE * (1 - precision);
const path = (recall, precision) => recall.map((r, i) => `${i ? "L" : "M"}${x(r).toFixed(2)} ${y(precision[i]).toFixed(2)}`).join("");

function drawAxes(plot) {
  for (let i = 0; i <= 10; i++) {
    const value = i / 10;
    svg("path", { class: "grid", d: `M${x(value)} ${y(0)}V${y(1)}M${x(0)} ${y(value)}H${x(1)}` }, plot);
    svg("text", { x: x(value), y: y(0) + 18, "text-anchor": "middle" }, plot, value.toFixed(1));
    svg("text", { x: x(0) - 6, y: y(value) + 4, "text-anchor": "end" }, plot, value.toFixed(1));
  }
  svg("text", { x: x(0.5), y: y(0) + 38, "text-anchor": "middle" }, plot, "Recall");
  svg("text", { transform: `translate(12 ${y(0.5)}) rotate(-90)`, "text-anchor": "middle" }, plot, "Precision");
  for (let i = 1; i <= 9; i++) { // precision = F·recall / (2·recall − F)
    const f = i / 10, lowest = f / (2 - f);
    const recall = Array.from({ length: 101 }, (_, k) => lowest + (1 - lowest) * (k / 100) ** 2);
    svg("path", { class: "iso", d: path(recall, recall.map((r) => (f * r) / (2 * r - f))) }, plot);
    svg("text", { class: "iso-text", x: x(1) + 4, y: y(lowest) + 4 }, plot, f.toFixed(1));
  }
}

function drawCurves(plot) {
  const curves = data.curves.map((curve) => {
    const group = svg("g", {}, plot);
    const line = { class: "curve", stroke: curve.colour, "stroke-dasharray": curve.dash };
    curve.line = svg("path", { ...line, d: path(curve.recall, curve.precision) }, group);
    svg("circle", { cx: x(curve.best[0]), cy: y(curve.best[1]), r: 5, fill: curve.colour }, group);
    return { ...curve, group, visible: !curve.published };
  });
  if (data.human) {
    const [recall, precision] = data.human;
    svg("circle", { cx: x(recall), cy: y(precision), r: 6, fill: "#2ca02c", stroke: "#000" }, plot);
    svg("text", { x: x(recall) + 10, y: y(precision) + 1 }, plot, "human");
  }
  return curves;
}

function drawFigure() {
  const plot = byId("plot");
  drawAxes(plot);
  const curves = drawCurves(plot);
  const marker = svg("circle", { class: "marker", r: 6, cx: -99, cy: -99 }, plot);
  const at = { curve: 0, point: -1 };

  function show(curve, point) {
    curves[at.curve].line.classList.remove("active");
    Object.assign(at, { curve, point });
    const { name, recall, precision, at: where, line } = curves[curve];
    line.classList.add("active");
    marker.setAttribute("cx", x(recall[point]));
    marker.setAttribute("cy", y(precision[point]));
    const p = precision[point], r = recall[point], f = p + r > 0 ? (2 * p * r) / (p + r) : 0;
    const text = `${name}: ${where.length ? where[point] + ", " : ""}precision\u00a0${score(p)}, recall\u00a0${score(r)}, F\u00a0${score(f)}`;
    byId("readout").textContent = text;
    plot.setAttribute("aria-valuemax", recall.length - 1);
    plot.setAttribute("aria-valuenow", point);
    plot.setAttribute("aria-valuetext", text);
  }

  function best(curve) {
    const [r, p] = curves[curve].best;
    return nearest(curve, r, p).point;
  }

  function nearest(curve, recall, precision) {
    const found = { curve, point: 0, distance: Infinity };
    curves[curve].recall.forEach((r, point) => {
      const distance = Math.hypot(r - recall, curves[curve].precision[point] - precision);
      if (distance < found.distance) Object.assign(found, { point, distance });
    });
    return found;
  }

  const shown = () => curves.map((_, i) => i).filter((i) => curves[i].visible && curves[i].recall.length);

  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect(), scale = plot.viewBox.baseVal.width / box.width;
    const recall = ((event.clientX - box.left) * scale - LEFT) / SIZE;
    const precision = 1 - ((event.clientY - box.top) * scale - TOP) / SIZE;
    const found = shown().map((i) => nearest(i, recall, precision)).sort((a, b) => a.distance - b.distance)[0];
    if (found && found.distance < 0.08) show(found.curve, found.point);
  });

  plot.addEventListener("keydown", (event) => {
    const visible = shown(), step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
    const jump = { Home: 0, End: Infinity }[event.key];
    if ((!step && jump === undefined) || !visible.length) return;
    event.preventDefault();
    let { curve, point } = at;
    const place = visible.indexOf(curve);
    if (place < 0 || point < 0) return show(visible[0], best(visible[0]));
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      curve = visible[(place + step + visible.length) % visible.length];
      return show(curve, best(curve));
    }
    // a curve's points stand by ascending threshold, that is, mostly by descending recall: right is more recall
    point = jump === undefined ? point - step : curves[curve].recall.length - 1 - jump;
    show(curve, Math.max(0, Math.min(curves[curve].recall.length - 1, point)));
  });

  drawLegend(curves);
}

function drawLegend(curves) {
  const legend = byId("legend");
  curves.forEach((curve, i) => {
    if (curve.published && (i === 0 || !curves[i - 1].published)) {
      legend.append(Object.assign(document.createElement("h3"), { textContent: "Published by others" }));
    }
    const button = Object.assign(document.createElement("button"), { type: "button" });
    const swatch = svg("svg", { viewBox: "0 0 34 14", "aria-hidden": "true" }, button);
    svg("path", { d: "M2 7H32", stroke: curve.colour, "stroke-width": 3, "stroke-dasharray": curve.dash }, swatch);
    button.append(Object.assign(document.createElement("span"), { textContent: `[F=${score(curve.f)}] ${curve.name}` }));
    const set = (visible) => {
      curve.visible = visible;
      button.setAttribute("aria-pressed", visible);
      curve.group.setAttribute("visibility", visible ? "visible" : "hidden");
    };
    button.addEventListener("click", () => set(!curve.visible));
    set(curve.visible);
    legend.append(button);
  });
}

/* ── image by image ────────────────────────────────────────────────────────────────────────────────────────────── */

const decoded = new Map(); // the pixels of the last few pictures

async function pixelsOf(uri) {
  if (!decoded.has(uri)) {
    const picture = new Image();
    picture.src = uri;
    await picture.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    if (decoded.size > 7) decoded.delete(decoded.keys().next().value);
    decoded.set(uri, context.getImageData(0, 0, picture.width, picture.height));
  }
  return decoded.get(uri);
}

/** Black where the map reaches stop k; below it, the greyer the nearer. Without k, all in grey. */
function paintMap(canvas, levels, k, count) {
  const { width, height, data: level } = levels;
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d"), out = context.createImageData(width, height);
  for (let i = 0; i < level.length; i += 4) {
    const grey = k === null ? 255 - (255 * level[i]) / count : level[i] > k ? 0 : 255 - (110 * level[i]) / (k + 1);
    out.data[i] = out.data[i + 1] = out.data[i + 2] = grey;
    out.data[i + 3] = 255;
  }
  context.putImageData(out, 0, 0);
}

/** The matches at all drawn stops are one picture, whose rows take turns. */
function paintMatches(canvas, all, index, count) {
  const { width, data: pixels } = all, height = all.height / count, row = 4 * width;
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d"), out = context.createImageData(width, height);
  for (let i = 0; i < height; i++) out.data.set(pixels.subarray((i * count + index) * row, (i * count + index + 1) * row), i * row);
  context.putImageData(out, 0, 0);
}

const scores = ({ precision, recall, f }, k) => `precision\u00a0${score(precision[k])}, recall\u00a0${score(recall[k])}, F\u00a0${score(f[k])}`;

function browseImages() {
  const { detectors, images } = data.browser;
  const pick = { image: byId("image"), detector: byId("detector"), stop: byId("threshold") };
  images.forEach((image) => pick.image.add(new Option(image.label)));
  detectors.forEach((detector) => pick.detector.add(new Option(detector.name)));

  function setDetector() {
    const detector = detectors[pick.detector.selectedIndex];
    pick.stop.max = detector.stops.length - 1;
    pick.stop.value = detector.start;
    show();
  }

  function step(by) {
    pick.image.selectedIndex = (pick.image.selectedIndex + by + images.length) % images.length;
    show();
  }

  async function show() {
    const image = images[pick.image.selectedIndex], detector = detectors[pick.detector.selectedIndex];
    const made = image.made[pick.detector.selectedIndex], k = Number(pick.stop.value);
    const drawn = made.drawn.reduce((a, b) => (Math.abs(b - k) < Math.abs(a - k) ? b : a));
    byId("threshold-text").textContent = detector.stops[k];
    pick.stop.setAttribute("aria-valuetext", detector.stops[k]);
    showPicture("photo", image.photo, `Image ${image.id}`);
    showPicture("truth", image.truth, `Ground truth: mean of ${image.annotators} annotator${image.annotators > 1 ? "s" : ""}`);
    byId("under").src = image.photo;
    byId("panels").classList.toggle("portrait", image.height > image.width);
    byId("matches").setAttribute("aria-label", `Hits, false alarms and misses of ${detector.name} on image ${image.id}`);
    byId("matches-text").textContent = `at ${detector.stops[drawn]}${drawn === k ? "" : " (the nearest one drawn)"}: ${scores(made, drawn)}`;
    const best = made.f.indexOf(Math.max(...made.f));
    byId("image-scores").textContent = `${image.id}, ${detector.name}: best F ${score(made.f[best])} at ${detector.stops[best]}; `
      + `at ${detector.stops[k]} ${scores(made, k)}`;
    const about = detector.sweep
      ? `${detector.name}: share of the settings with a boundary at each pixel`
      : `${detector.name}: black from ${detector.stops[k]} up, weaker ones grey`;
    byId("map").setAttribute("aria-label", about);
    byId("map-text").textContent = about;
    const [levels, kinds] = await Promise.all([pixelsOf(made.map), pixelsOf(made.matches)]);
    const current = images[pick.image.selectedIndex].made[pick.detector.selectedIndex];
    if (current === made && Number(pick.stop.value) === k) { // else the user has moved on meanwhile
      paintMap(byId("map"), levels, detector.sweep ? null : k, detector.stops.length);
      paintMatches(byId("matches"), kinds, made.drawn.indexOf(drawn), made.drawn.length);
    }
  }

  function showPicture(id, source, text) {
    Object.assign(byId(id), { src: source, alt: text });
    byId(`${id}-text`).textContent = text;
  }

  pick.image.addEventListener("change", show);
  pick.detector.addEventListener("change", setDetector);
  pick.stop.addEventListener("input", show);
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("panels").addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) {
      event.preventDefault();
      step(by);
    }
  });
  setDetector();
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
drawFigure();
if (data.browser) browseImages();
