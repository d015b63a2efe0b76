// Measure, section, before and after: what is drawn, asked and shown beside.
const act = (text, onclick, name = "") => { const button = make("button", {class: `do ${name}`, type: "button"}, text); button.onclick = onclick; return button; };
const field = (label, attributes) => make("label", {class: "field small muted"}, label, make("input", attributes));
// Vertices by taps until Enter or a second tap on the last; or typed.
function lineDrawer(tool, name, {closed, onchange}) {
  let vertices = [];
  const show = () => { tool.overlay.set(name, vertices.length ? {kind: closed() && vertices.length > 2 ? "ring" : "line", positions: vertices, dots: true} : null); };
  return {
    start() {
      vertices = []; show();
      tool.overlay.capture({
        tap(place) { vertices = [...vertices, place]; show(); onchange(vertices); },
        move(place) { if (vertices.length) tool.overlay.set(name, {kind: "line", positions: [...vertices, place], dots: true}); },
        done() { tool.overlay.release(); vertices = vertices.filter((each, index) => !index || metresApart(each, vertices[index - 1]) > .02); show(); onchange(vertices); },
      });
    },
    type(positions) { vertices = positions; tool.overlay.release(); show(); onchange(vertices); },
    clear() { vertices = []; tool.overlay.release(); show(); },
    get vertices() { return vertices; },
  };
}
const typedLine = (tool, onapply) => {
  const t = tool.model.texts, text = make("textarea", {rows: 2, "aria-label": t.typed_positions, placeholder: "7.42 43.73; 7.43 43.74", class: "typed"});
  return make("details", {class: "small"}, make("summary", {class: "muted"}, t.typed_positions), text, act(t.apply, () => onapply(positionsOf(text.value)), "typed-apply"));
};
function measurePanel(tool) {
  const {model, ask, overlay} = tool, root = make("div", {class: "sheet measure"}), out = make("div", {class: "tiles", role: "status"});
  let mode = "distance";
  const drawer = lineDrawer(tool, "measure", {closed: () => mode === "area", onchange: (vertices) => measured(vertices)});
  const tile = (name, value) => make("div", {class: "tile"}, make("b", {class: "num"}, value), make("span", {class: "small muted"}, name));
  const measured = async (vertices) => {
    const t = model.texts;
    if (vertices.length < 2) { out.replaceChildren(); return; }
    const found = await ask("measure", {positions: vertices, closed: mode === "area"});
    if (!found) return;
    out.replaceChildren(...(mode === "area" ? [tile(t.area, squares(found.area_m2)), tile(t.perimeter, metres(found.length_m))] : [tile(t.distance, metres(found.length_m)), ...found.legs_m.slice(-3).map((leg, index, all) => tile(`${t.leg} ${found.legs_m.length - all.length + index + 1}`, metres(leg)))]));
    const item = overlay.items.get("measure");
    if (item) overlay.set("measure", {...item, labels: vertices.map((_, index) => index === vertices.length - 1 ? (mode === "area" ? squares(found.area_m2) : metres(found.length_m)) : "")});
  };
  const height = async () => {
    const {layer, row} = model.selected, t = model.texts;
    if (!layer || row === null || layer === "cells") { tool.say(t.near_needs_selection); return; }
    const found = await ask("ask", {question: {layer, rows: [row]}, most: 1});
    if (found) out.replaceChildren(tile(t.height, `${decimals(found.summary.highest_m)} m`), tile(t.area, squares(found.summary.area_m2)), tile(t.volume, `${decimals(found.summary.volume_m3)} m³`));
  };
  const draw = () => {
    const t = model.texts, begin = (name) => () => { mode = name; drawer.start(); out.replaceChildren(); };
    root.replaceChildren(make("div", {class: "row"}, act(t.distance, begin("distance"), "distance"), act(t.area, begin("area"), "area"), act(t.height, height, "height")),
      make("div", {class: "small muted"}, t.draw_hint), out, typedLine(tool, (places) => drawer.type(places)));
  };
  return {root, open: draw, speak: draw, clear() { drawer.clear(); out.replaceChildren(); }};
}
function sectionPanel(tool) {
  const {model, ask} = tool, root = make("div", {class: "sheet section"}), out = make("div", {class: "profile"});
  const drawer = lineDrawer(tool, "section", {closed: () => false, onchange: (vertices) => cut(vertices)});
  const profile = ({length_m, cuts}) => {
    const t = model.texts, width = 350, height = 130, low = Math.min(0, ...cuts.map((each) => each.ground_m ?? 0)), high = Math.max(10, ...cuts.map((each) => (each.ground_m ?? 0) + each.height_m));
    const x = (at) => at / length_m * width, y = (at) => height - (at - low) / (high - low) * (height - 8);
    const picture = shape("svg", {viewBox: `0 -4 ${width} ${height + 22}`, class: "bars", role: "img", "aria-label": `${t.tool_section}: ${cuts.length} × ${t.building}, ${metres(length_m)}`});
    for (const each of cuts) {
      const base = each.ground_m ?? 0, bar = shape("rect", {class: "bar", x: x(each.from_m), y: y(base + each.height_m), width: Math.max(x(each.to_m) - x(each.from_m), .8), height: y(base) - y(base + each.height_m)});
      bar.append(shape("title", {}, `${each.name} ${metres(each.from_m)}–${metres(each.to_m)}: ${decimals(each.height_m)} m`));
      bar.onclick = () => tool.pick(each.layer, each.row);
      picture.append(bar);
    }
    const text = (at, up, said, anchor) => { const node = shape("text", {x: at, y: up, "text-anchor": anchor}); node.textContent = said; return node; };
    picture.append(shape("rect", {x: 0, y: y(0), width, height: 1, fill: "var(--muted)"}), text(0, height + 14, "0 m", "start"), text(width, height + 14, metres(length_m), "end"), text(0, 6, `${decimals(high)} m`, "start"));
    return picture;
  };
  const cut = async (vertices) => {
    if (vertices.length < 2) return;
    const found = await ask("section", {positions: vertices});
    if (!found) return;
    const t = model.texts, rows = found.cuts.map((each) => make("tr", {}, make("td", {}, each.name || `#${each.row}`), make("td", {class: "num"}, `${decimals(each.from_m)}–${decimals(each.to_m)} m`), make("td", {class: "num"}, `${decimals(each.height_m)} m`)));
    out.replaceChildren(profile(found), make("div", {class: "small muted cuts", role: "status"}, `${found.cuts.length} × ${t.building}`), make("div", {class: "rows scroll", tabindex: 0}, make("table", {class: "small"}, make("tbody", {}, ...rows))));
  };
  const draw = () => { const t = model.texts; root.replaceChildren(act(t.draw_line, () => { out.replaceChildren(); drawer.start(); }, "line"), make("div", {class: "small muted"}, t.section_hint), out, typedLine(tool, (places) => drawer.type(places))); };
  return {root, open: draw, speak: draw, clear() { drawer.clear(); out.replaceChildren(); }};
}
// The same records where a naive reader puts them and where the engine does; colours safe for colour-blind eyes.
const NAIVE = "#d55e00", OURS = "#0072b2";
function beforePanel(tool) {
  const {model, ask, overlay} = tool, root = make("div", {class: "sheet before"}), out = make("div", {class: "sheet"});
  let layers = null, layer = "", found = null, share = 1, split = null;
  const between = (at) => found.places.map(([a, b, c, d]) => [a + (c - a) * at, b + (d - b) * at]);
  const show = () => {
    overlay.set("displaced", found ? {kind: "displaced", from: found.places.map(([a, b]) => [a, b]), to: split === null ? between(share) : between(1), split} : null);
    overlay.canvas.dataset.displaced = found ? found.places.length : 0;
  };
  const spread = (name, each, colour) => make("tr", {}, make("td", {}, make("i", {class: "dot", style: `background:${colour}`}), name), ...[each.median_m, each.p95_m, each.most_m].map((value) => make("td", {class: "num"}, metres(value))));
  const load = async (name) => {
    layer = name;
    found = await ask(`displaced/${encodeURIComponent(name)}`);
    if (!found) return;
    show();
    if (found.bounds.length) tool.fly(found.bounds);
    draw();
  };
  const draw = () => {
    const t = model.texts;
    if (layers && !layers.length) { root.replaceChildren(make("div", {class: "muted"}, t.truth_missing)); return; }
    const chooser = make("select", {"aria-label": t.layer, class: "displaced"});
    for (const name of layers ?? []) { const option = make("option", {value: name}, tool.title(name)); option.selected = name === layer; chooser.append(option); }
    chooser.onchange = () => load(chooser.value);
    root.replaceChildren(make("div", {class: "small muted"}, t.before_hint), chooser, out);
    if (!found) { out.replaceChildren(); return; }
    const slider = make("input", {type: "range", min: 0, max: 100, value: (split ?? share) * 100, class: "share", "aria-label": split === null ? t.before_after : t.split_edge});
    const paint = () => slider.style.setProperty("--at", `${slider.value}%`);
    slider.oninput = () => { if (split === null) share = slider.value / 100; else split = slider.value / 100; paint(); show(); };
    const splitter = act(t.split_map, () => { split = split === null ? .6 : null; show(); draw(); root.querySelector(".split").focus(); }, "split");
    splitter.setAttribute("aria-pressed", String(split !== null));
    paint();
    const head = make("tr", {}, ...["", t.median, "95 %", t.most].map((each) => make("th", {}, each)));
    out.replaceChildren(make("div", {class: "ends small"}, make("span", {}, t.naively), slider, make("span", {}, t.harmonised)), splitter,
      make("div", {class: "small num shown", role: "status"}, t.displaced_note.replace("{shown}", found.shown).replace("{total}", found.places_in_all).replace("{records}", decimals(found.total))),
      make("table", {class: "small"}, make("thead", {}, head), make("tbody", {}, spread(t.from_truth_before, found.naive, NAIVE), spread(t.from_truth_after, found.ours, OURS), spread(t.moved, found.moved, "transparent"))),
      make("div", {class: "small"}, t.other_cell.replace("{share}", (found.other_cell * 100).toFixed(1))),
      histogram(found, {label: t.moved, chosen: -1, onchoose: () => {}}));
  };
  return {
    root, speak: draw,
    async open() { layers = layers ?? await ask("displaced") ?? []; if (!found && layers.length) await load(layers.find((name) => /site|detector|probe|gcj/.test(name)) ?? layers[0]); else { show(); draw(); } },
    clear() { found = null; split = null; show(); },
  };
}
