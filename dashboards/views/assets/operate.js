const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) continue;
    key === "class" ? node.className = value : node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
};
const SVG = "http://www.w3.org/2000/svg";
// A line through what is known; it breaks where there is no data.
function spark(points, label) {
  const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 100 24"); svg.setAttribute("preserveAspectRatio", "none"); svg.setAttribute("class", "spark");
  if (label) { svg.setAttribute("role", "img"); svg.setAttribute("aria-label", label); } else svg.setAttribute("aria-hidden", "true");
  let pen = "M";
  path.setAttribute("d", points.map((value, i) => {
    if (value === null) { pen = "M"; return ""; }
    const step = `${pen}${(100 * i / Math.max(points.length - 1, 1)).toFixed(1)} ${(22 - 0.2 * value).toFixed(1)}`;
    pen = "L";
    return step;
  }).join(" "));
  svg.append(path);
  return svg;
}
function download({name, text}) {
  const anchor = make("a", {href: URL.createObjectURL(new Blob(["\ufeff", text], {type: "text/csv;charset=utf-8"})), download: name});
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
}
const SPOTLIGHT_MS = 15000;
export function render({model, el}) {
  let sorted = {column: 0, down: null};  // The order that the server gives: the worst now first.
  let cycle = null;
  const t = () => model.texts;
  const choose = (row) => { model.chosen = {layer: row.layer, row: row.row, at: performance.now()}; };
  const tile = (item) => {
    const limit = make("input", {type: "number", step: "any", value: item.limit, "aria-label": `${t().threshold}: ${item.title}`});
    limit.onchange = () => {
      limit.defaultValue = limit.value;  // Said; from here on it may be redrawn.
      const {[item.name]: _former, ...others} = model.limits;
      model.limits = limit.value === "" ? others : {...others, [item.name]: Number(limit.value)};
    };
    const head = make("div", {class: "tile-head"}, make("span", {class: "title"}, item.title), item.modelled ? make("span", {class: "badge"}, t().modelled) : "");
    const swatch = make("i", {class: "swatch", "aria-hidden": "true"});
    swatch.style.background = item.colour;
    const value = make("div", {class: "reading num"}, swatch, make("b", {}, item.value), make("small", {class: "muted"}, item.unit), make("span", {class: "label"}, item.label));
    const graph = spark(item.spark, `${item.title}, ${t().course_short}`);
    return make("section", {class: `tile ${item.beyond ? "beyond" : ""}`, "data-variable": item.name}, head, value, graph,
      make("div", {class: "small muted num tile-foot"}, make("span", {}, item.day), make("label", {class: "limit"}, item.worse, " ", limit)));
  };
  const header = (label, column) => {
    const button = make("button", {}, label);
    const arrow = sorted.down !== null && sorted.column === column ? (sorted.down ? " ▾" : " ▴") : "";
    button.append(arrow);
    button.onclick = () => { sorted = {column, down: sorted.column === column && sorted.down !== null ? !sorted.down : true}; draw(); };
    return make("th", {scope: "col", "aria-sort": sorted.down === null || sorted.column !== column ? "none" : sorted.down ? "descending" : "ascending"}, button);
  };
  const inOrder = (rows) => {
    if (sorted.down === null) return rows;
    const value = (row) => sorted.column < 0 ? row.name : row.sort[sorted.column] ?? -Infinity;
    const order = (a, b) => sorted.column < 0 ? a.localeCompare(b, document.documentElement.lang) : a - b;
    return [...rows].sort((a, b) => (sorted.down ? -1 : 1) * order(value(a), value(b)));
  };
  const ranking = (r) => {
    const select = make("select", {"aria-label": t().ranked_by, class: "ranked"},
      ...r.variables.map(({value, label}) => make("option", {value, selected: value === r.variable}, label)));
    select.onchange = () => { model.variable = select.value; };
    const tabs = make("div", {class: "tabs", role: "group", "aria-label": t().ranking}, ...r.levels.map(({value, label}) => {
      const tab = make("button", {"aria-pressed": String(value === r.level), "data-level": value}, label);
      tab.onclick = () => { model.level = value; };
      return tab;
    }));
    if (r.missing) return [make("div", {class: "controls"}, tabs, select), make("p", {class: "small muted"}, r.missing)];
    const unit = r.unit ? ` (${r.unit})` : "";
    const head = make("tr", {}, header(t().place, -1), header(`${t().now_short}${unit}`, 0), header(t().mean_short, 1), header(t().worst_short, 2), header(t().share_beyond, 3), make("th", {scope: "col"}, t().course_short));
    const rows = inOrder(r.rows).map((row) => {
      const name = make("button", {class: "place"}, row.name);
      name.onclick = () => choose(row);
      return make("tr", {class: row.beyond ? "beyond" : ""}, make("th", {scope: "row"}, name),
        ...[row.now, row.mean, row.worst, row.share].map((text) => make("td", {class: "num"}, text)), make("td", {}, spark(row.spark)));
    });
    return [make("div", {class: "controls"}, tabs, select),
      make("div", {class: "table scroll", tabindex: "0", role: "region", "aria-label": t().ranking}, make("table", {class: "small"}, make("thead", {}, head), make("tbody", {}, ...rows))),
      r.note ? make("div", {class: "small muted"}, r.note) : ""];
  };
  const alerts = (a) => {
    const all = make("button", {class: "text"}, t().acknowledge_all), file = make("button", {class: "text"}, t().export_csv);
    all.disabled = !a.waiting.length;
    all.onclick = () => { model.seen = a.waiting; };
    file.onclick = () => { model.exported += 1; };
    const rows = a.rows.map((row) => {
      const place = row.layer ? make("button", {class: "place"}, row.place) : make("span", {class: "place"}, row.place);
      if (row.layer) place.onclick = () => choose(row);
      const done = make("button", {class: "text"}, t().acknowledge);
      done.setAttribute("aria-label", `${t().acknowledge}: ${row.place}, ${row.what}, ${row.when}`);
      done.onclick = () => { model.seen = [row.key]; };
      return make("li", {class: `${row.ongoing ? "ongoing" : ""} ${row.acknowledged ? "done" : ""}`, "data-key": row.key},
        make("div", {class: "what"}, place, make("span", {class: "small muted num"}, `${row.what} · ${row.worst}`)),
        make("div", {class: "when small num"}, make("span", {}, row.when), make("span", {class: "muted"}, row.lasted)),
        row.acknowledged ? make("span", {class: "small muted seen"}, `✓ ${t().acknowledged}`) : done);
    });
    return [make("div", {class: "line small"}, make("span", {class: "muted", role: "status"}, a.heading), all, file),
      rows.length ? make("ul", {class: "alerts"}, ...rows) : make("p", {class: "small muted"}, t().no_alerts),
      a.note ? make("div", {class: "small muted"}, a.note) : ""];
  };
  const opened = new Set();
  const readings = (r) => r.missing ? [make("p", {class: "small muted"}, r.missing)] : r.rows.map((row) => {
    const badge = row.stale ? make("span", {class: "badge stale"}, t().stale) : "";
    const head = [make("span", {class: "name"}, row.title), badge, make("span", {class: "num age"}, row.age), make("span", {class: "muted num every"}, [row.every, row.sites].filter(Boolean).join(" · "))];
    if (!row.oldest.length) return make("div", {class: "aged small", "data-title": row.title}, ...head);
    const more = make("details", {class: "small", "data-title": row.title}, make("summary", {class: "aged"}, ...head),
      make("ul", {"aria-label": t().oldest}, ...row.oldest.map(([site, age, old]) => make("li", {class: "num"}, make("span", {}, site), old ? make("span", {class: "badge stale"}, t().stale) : "", make("span", {class: "muted"}, age)))));
    more.open = opened.has(row.title);
    more.ontoggle = () => { more.open ? opened.add(row.title) : opened.delete(row.title); };
    return more;
  });
  const section = (name, title, children) => make("section", {class: `part ${name}`}, make("h2", {}, title), ...children);
  const panel = make("div", {class: "card panel", role: "region"}), list = make("div", {class: "scroll list"});
  const replay = make("button", {class: "text replay"}), wall = make("button", {class: "text wall"});
  replay.onclick = () => { model.replayed += 1; };
  wall.onclick = () => { model.kiosk = true; };
  const bar = make("div", {class: "top"}, replay, wall);
  const build = make("p", {class: "small muted build", role: "status"});
  const told = () => { build.textContent = model.building; build.hidden = !model.building; };
  panel.append(bar, build, list);
  el.replaceChildren(panel);
  const focusOf = () => { const at = el.getRootNode().activeElement; return at && list.contains(at) ? [at.tagName, at.getAttribute("aria-label") ?? at.textContent, at.selectionStart] : null; };
  const draw = () => {
    const c = model.content, texts = t();
    panel.setAttribute("aria-label", texts.operate_board);
    panel.classList.toggle("kiosk", model.kiosk);
    replay.textContent = texts.replay; wall.textContent = texts.kiosk_mode;
    const focused = focusOf(), tops = [list.scrollTop, list.querySelector(".table")?.scrollTop ?? 0];
    // A number that is being typed must not be taken away by the next step of the clock.
    if (focused && focused[0] === "INPUT" && el.getRootNode().activeElement.value !== el.getRootNode().activeElement.defaultValue) return;
    if (!c.now) { list.replaceChildren(make("p", {class: "small muted wait", role: "status"}, c.empty || texts.computing)); return; }
    list.replaceChildren(make("div", {class: "tiles"}, ...c.now.map(tile)), section("ranks", texts.ranking, ranking(c.ranking)),
      section("warns", texts.alerts, alerts(c.alerts)), section("ages", texts.readings, readings(c.readings)));
    list.scrollTop = tops[0];
    if (list.querySelector(".table")) list.querySelector(".table").scrollTop = tops[1];
    if (focused) [...list.querySelectorAll(focused[0])].find((node) => (node.getAttribute("aria-label") ?? node.textContent) === focused[1])?.focus({preventScroll: true});
  };
  const turn = () => {
    clearInterval(cycle);
    if (model.kiosk) cycle = setInterval(() => {
      const names = (model.content.now ?? []).map(({name}) => name);
      if (names.length) model.variable = names[(names.indexOf(model.content.ranking.variable) + 1) % names.length];
    }, SPOTLIGHT_MS);
    draw();
  };
  model.on("content", draw); model.on("texts", draw); model.on("kiosk", turn);
  model.on("building", told); told();
  model.on("file", () => { if (model.file.text) download(model.file); });
  turn();
  return () => clearInterval(cycle);
}
