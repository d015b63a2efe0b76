// What is drawn over the map while one draws, measures or looks: a canvas that follows the camera.
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) key === "class" ? node.className = value : node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};
class Overlay {
  constructor(host) {
    this.host = host;
    this.canvas = make("canvas", {id: "drawing", "aria-hidden": true});
    Object.assign(this.canvas.style, {position: "absolute", inset: 0, width: "100%", height: "100%", zIndex: 1, pointerEvents: "none", touchAction: "none"});
    host.append(this.canvas);
    this.items = new Map();
    this.seen = null;
    const follow = () => {
      const now = this.viewport();
      if (now && (now !== this.seen || this.stale)) { this.seen = now; this.stale = false; this.paint(); }
      requestAnimationFrame(follow);
    };
    requestAnimationFrame(follow);
  }
  viewport() {
    this.deck = this.deck ?? window.cityTwin.deck();
    return this.deck?.viewManager ? this.deck.getViewports()[0] : null;
  }
  set(name, item) { item ? this.items.set(name, item) : this.items.delete(name); this.stale = true; }
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.viewport().unproject([event.clientX - box.left, event.clientY - box.top]).slice(0, 2);
  }
  colours() {
    const style = getComputedStyle(document.documentElement);
    return {accent: style.getPropertyValue("--accent").trim(), solid: style.getPropertyValue("--solid").trim(), ink: style.getPropertyValue("--ink").trim()};
  }
  paint(target = null) {
    const box = this.canvas.getBoundingClientRect(), scale = window.devicePixelRatio || 1;
    if (!target) {
      const [width, height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
      if (this.canvas.width !== width) this.canvas.width = width;
      if (this.canvas.height !== height) this.canvas.height = height;
    }
    const pen = target ?? this.canvas.getContext("2d");
    if (!target) { pen.setTransform(scale, 0, 0, scale, 0, 0); pen.clearRect(0, 0, box.width, box.height); }
    const view = this.viewport(), colours = this.colours();
    for (const item of this.items.values()) this.draw(pen, view, item, colours);
  }
  draw(pen, view, item, colours) {
    if (item.kind === "displaced") { this.displaced(pen, view, item, colours); return; }
    const points = (item.positions ?? []).map((place) => view.project(place));
    const colour = item.colour ?? colours.accent;
    pen.lineWidth = item.width ?? 2.5; pen.lineJoin = pen.lineCap = "round"; pen.strokeStyle = colour;
    pen.setLineDash(item.dash ?? []);
    if (points.length > 1 && item.kind !== "pins") {
      pen.beginPath();
      points.forEach(([x, y], index) => index ? pen.lineTo(x, y) : pen.moveTo(x, y));
      if (item.kind === "ring") { pen.closePath(); pen.globalAlpha = .16; pen.fillStyle = colour; pen.fill(); pen.globalAlpha = 1; }
      pen.stroke();
    }
    pen.setLineDash([]);
    if (item.dots ?? item.kind === "pins") for (const [x, y] of points) {
      pen.beginPath(); pen.arc(x, y, item.kind === "pins" ? 6 : 4, 0, 7); pen.fillStyle = colours.solid; pen.fill(); pen.stroke();
    }
    pen.font = "600 13px sans-serif"; pen.textBaseline = "middle";
    (item.labels ?? []).forEach((text, index) => {
      if (!text || !points[index]) return;
      const [x, y] = points[index], width = pen.measureText(text).width;
      pen.fillStyle = colours.solid; pen.globalAlpha = .92; pen.beginPath(); pen.roundRect(x + 9, y - 12, width + 14, 24, 6); pen.fill();
      pen.globalAlpha = 1; pen.fillStyle = colours.ink; pen.fillText(text, x + 16, y + .5);
    });
  }
  // With a split the same records stand on both sides of an edge: left where they were, right where they are.
  displaced(pen, view, {from, to, split}, colours) {
    if (split !== null && split !== undefined) { this.splitted(pen, view, {from, to, split}, colours); return; }
    const [starts, ends] = [from, to].map((places) => places.map((place) => view.project(place)));
    pen.setLineDash([]); pen.lineWidth = 1.2; pen.strokeStyle = colours.ink; pen.globalAlpha = .55; pen.beginPath();
    starts.forEach(([x, y], index) => { pen.moveTo(x, y); pen.lineTo(...ends[index].slice(0, 2)); });
    pen.stroke(); pen.globalAlpha = 1; pen.lineWidth = 1; pen.strokeStyle = colours.solid;
    for (const [points, colour, size] of [[starts, "#d55e00", 3.5], [ends, "#0072b2", 4.5]]) {
      pen.fillStyle = colour;
      for (const [x, y] of points) { pen.beginPath(); pen.arc(x, y, size, 0, 7); pen.fill(); pen.stroke(); }
    }
  }
  splitted(pen, view, {from, to, split}, colours) {
    const {width, height} = view, edge = split * width;
    for (const [places, colour, left, wide] of [[from, "#d55e00", 0, edge], [to, "#0072b2", edge, width - edge]]) {
      pen.save(); pen.beginPath(); pen.rect(left, 0, wide, height); pen.clip();
      pen.setLineDash([]); pen.lineWidth = 1; pen.strokeStyle = colours.solid; pen.fillStyle = colour;
      for (const place of places) { const [x, y] = view.project(place); pen.beginPath(); pen.arc(x, y, 4.5, 0, 7); pen.fill(); pen.stroke(); }
      pen.restore();
    }
    pen.fillStyle = colours.ink; pen.fillRect(edge - 1, 0, 2, height);
  }
  // Takes the pointer from the map until stop() is called; handlers get places in degrees.
  capture({down, move, up, tap, done}) {
    this.release();
    const box = this.canvas, ends = new AbortController(), options = {signal: ends.signal};
    box.style.pointerEvents = "auto"; box.style.cursor = "crosshair";
    let pressed = false;
    box.addEventListener("pointerdown", (event) => { pressed = true; box.setPointerCapture(event.pointerId); down?.(this.place(event)); }, options);
    box.addEventListener("pointermove", (event) => { if (pressed || !down) move?.(this.place(event), event); }, options);
    box.addEventListener("pointerup", (event) => { pressed = false; up?.(this.place(event)); }, options);
    box.addEventListener("click", (event) => tap?.(this.place(event)), options);
    box.addEventListener("dblclick", () => done?.(), options);
    window.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.composedPath()[0].closest?.("button, input, textarea, select")) done?.(); if (event.key === "Escape") this.release(); }, options);
    this.stop = () => { ends.abort(); box.style.pointerEvents = "none"; box.style.cursor = ""; this.stop = null; };
  }
  release() { this.stop?.(); }
}
// A circle on the ground, for drawing only: what is selected is worked out by the server on the ellipsoid.
const metresApart = ([a, b], [c, d]) => Math.hypot((c - a) * 111195 * Math.cos(b * Math.PI / 180), (d - b) * 111195);
const roundAbout = ([lon, lat], radius) => Array.from({length: 73}, (_, turn) => {
  const angle = turn / 36 * Math.PI;
  return [lon + radius * Math.sin(angle) / 111195 / Math.cos(lat * Math.PI / 180), lat + radius * Math.cos(angle) / 111195];
});
const decimals = (value) => value === null || value === undefined ? "–" : Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(3));
const metres = (value) => value >= 10000 ? `${(value / 1000).toFixed(2)} km` : `${value.toFixed(value < 100 ? 2 : 1)} m`;
const squares = (value) => value >= 1e6 ? `${(value / 1e6).toFixed(3)} km²` : `${decimals(value)} m²`;
const positionsOf = (text) => text.split(/[\n;]+/).map((line) => line.trim().split(/[\s,]+/).map(Number)).filter((pair) => pair.length === 2 && pair.every(Number.isFinite));
