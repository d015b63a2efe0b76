// Select by region, attribute and distance; what is found as numbers, chart and table, each tied to the map.
function queryPanel(tool) {
  const {model, ask, overlay} = tool;
  const question = {layer: "", region: null, where: [], rows: null};
  const state = {title: "", chart: "", rest: 1, first: 0, answer: null, columns: [], former: null, joined: ""};
  const form = make("div", {class: "form"}), chips = make("div", {class: "chips"}), summary = make("div", {class: "summary"});
  const chart = make("div", {class: "chartbox"}), table = make("div", {class: "tablebox"});
  const root = make("div", {class: "query"}, form, chips, summary, chart, table);
  const asked = () => {
    const variables = question.layer === "cells" ? [model.cell_variable] : state.joined ? [state.joined] : [];
    return {layer: question.layer, region: question.region, where: question.where, rows: question.rows, variables, step: model.step};
  };
  const isEmpty = () => !question.region && !question.where.length && !question.rows;
  let turn = 0, reading = 0;
  const run = async () => {
    const mine = ++turn;
    if (isEmpty() && !tool.isOpen("query")) return;
    const body = {question: asked(), first: state.first, most: 50};
    const answer = await ask("ask", body);
    if (mine !== turn || !answer) return;
    state.answer = answer;
    model.found = isEmpty() ? {} : {question: asked(), rest: state.rest};
    draw();
  };
  const restart = () => { state.first = 0; return run(); };
  const columns = async () => {
    const mine = ++reading;
    const answer = await ask(`columns?q=${encodeURIComponent(JSON.stringify({...asked(), region: null, where: [], rows: null}))}`) ?? [];
    // Of two choices in a row the later one stands, whichever is answered first.
    if (mine !== reading) return false;
    state.columns = answer;
    return true;
  };
  // What was found in the layer before is taken away at once, and with it the form that a hand could be in.
  const useLayer = async (layer) => {
    Object.assign(question, {layer, where: [], rows: null}); Object.assign(state, {title: "", chart: "", joined: "", first: 0, answer: null, columns: []});
    for (const part of [chips, summary, chart, table]) part.replaceChildren();
    drawForm();
    if (!await columns()) return;
    drawForm();
    await run();
  };
  const unpress = () => root.querySelectorAll("[data-shape]").forEach((button) => button.setAttribute("aria-pressed", "false"));
  const setRegion = (region, item) => { question.region = region; question.rows = null; state.title = ""; overlay.set("region", item); return restart(); };
  const drawers = {
    rectangle() {
      let from;
      overlay.capture({down: (place) => { from = place; }, move: (to, event) => overlay.set("region", ring(corners(from, event))), up: () => { finish(overlay.items.get("region")?.positions); }});
      const corners = (start, event) => {
        const view = overlay.viewport(), box = overlay.canvas.getBoundingClientRect(), [ax, ay] = view.project(start), [bx, by] = [event.clientX - box.left, event.clientY - box.top];
        return [[ax, ay], [bx, ay], [bx, by], [ax, by]].map((pixel) => view.unproject(pixel).slice(0, 2));
      };
    },
    lasso() {
      let path = [];
      overlay.capture({down: (place) => { path = [place]; }, move: (place) => { path.push(place); overlay.set("region", ring(path)); }, up: () => finish(path)});
    },
    circle() {
      let centre, radius = 0;
      overlay.capture({down: (place) => { centre = place; }, move: (place) => { radius = metresApart(centre, place); overlay.set("region", {...ring(roundAbout(centre, radius)), labels: [metres(radius)]}); },
        up: () => { overlay.release(); if (radius > 0.5) setRegion({kind: "circle", centre, radius_m: Math.min(radius, 50000)}, overlay.items.get("region")); unpress(); }});
    },
  };
  const ring = (positions) => ({kind: "ring", positions});
  const finish = (positions) => {
    overlay.release();
    unpress();
    if (!positions || positions.length < 3) return;
    const every = Math.ceil(positions.length / 1500);
    const kept = positions.filter((_, index) => index % every === 0);
    setRegion({kind: "polygon", ring: kept}, ring(kept));
  };
  const near = (distance) => {
    const from = question.rows ? {layer: question.layer, rows: question.rows} : model.selected.layer && model.selected.layer !== "cells" && model.selected.row !== null ? {layer: model.selected.layer, rows: [model.selected.row]} : null;
    if (!from) { tool.say(model.texts.near_needs_selection); return; }
    setRegion({kind: "near", layer: from.layer, rows: from.rows.slice(0, 2000), distance_m: distance}, null);
  };
  const setWhere = (condition) => { question.where = [...question.where.filter((each) => each.column !== condition.column), condition]; return restart(); };
  const dropWhere = (column) => { question.where = question.where.filter((each) => each.column !== column); return restart(); };
  const said = (each) => {
    if (each.one_of) return `${each.column}: ${each.one_of.map((name) => name || model.texts.no_data).join(", ")}`;
    if (each.contains) return `${each.column} ∋ ${each.contains}`;
    return `${each.at_least !== undefined ? `${decimals(each.at_least)} ≤ ` : ""}${each.column}${each.at_most !== undefined ? ` ≤ ${decimals(each.at_most)}` : ""}`;
  };
  const select = (label, options, value, onchange, name) => {
    const node = make("select", {"aria-label": label, class: name});
    for (const [key, text] of options) { const option = make("option", {value: key}, text); option.selected = key === value; node.append(option); }
    node.onchange = () => onchange(node.value);
    return node;
  };
  const conditionForm = () => {
    const t = model.texts, box = make("div", {class: "condition"}), fields = make("span", {class: "fields"});
    const fill = (name) => {
      const column = state.columns.find((each) => each.name === name);
      fields.replaceChildren();
      if (!column) return;
      const act = make("button", {class: "do", type: "button"}, t.apply);
      if (column.kind === "number") {
        const low = make("input", {type: "number", step: "any", "aria-label": t.at_least, placeholder: decimals(column.low), class: "low"}), high = make("input", {type: "number", step: "any", "aria-label": t.at_most, placeholder: decimals(column.high), class: "high"});
        act.onclick = () => setWhere({column: name, ...(low.value === "" ? {} : {at_least: +low.value}), ...(high.value === "" ? {} : {at_most: +high.value})});
        fields.append(low, make("span", {class: "muted"}, "–"), high, act);
      } else {
        const list = make("datalist", {id: "classes"}, ...(column.classes ?? []).map(([value]) => make("option", {value})));
        const text = make("input", {type: "text", "aria-label": t.contains, placeholder: t.contains, list: "classes", class: "contains"});
        act.onclick = () => setWhere({column: name, contains: text.value});
        fields.append(text, list, act);
      }
    };
    box.append(select(t.attribute, [["", t.attribute], ...state.columns.map((each) => [each.name, each.name])], "", fill, "attribute"), fields);
    return box;
  };
  const typed = () => {
    const t = model.texts, text = make("textarea", {rows: 2, "aria-label": t.typed_positions, placeholder: "7.42 43.73; 7.43 43.73; 7.43 43.74", class: "typed"}), act = make("button", {class: "do", type: "button"}, t.apply);
    act.onclick = () => finish(positionsOf(text.value));
    return make("details", {class: "small"}, make("summary", {class: "muted"}, t.typed_positions), text, act);
  };
  const drawForm = () => {
    const t = model.texts;
    const shapes = Object.keys(drawers).map((name) => {
      const button = make("button", {class: "do", "data-shape": name, "aria-pressed": "false"}, t[`shape_${name}`]);
      button.onclick = () => { unpress(); button.setAttribute("aria-pressed", "true"); drawers[name](); };
      return button;
    });
    const distance = make("input", {type: "number", min: 0, max: 50000, value: 200, "aria-label": t.distance_m, class: "distance"}), around = make("button", {class: "do around"}, t.within_distance);
    around.onclick = () => near(+distance.value);
    const layers = select(t.layer, model.layers.map((each) => [each.id, each.title]), question.layer, useLayer, "layer");
    const variable = select(t.join_variable, [["", t.join_variable], ...model.choices.map((each) => [each.value, each.label])], state.joined, async (value) => { state.joined = value; if (!await columns()) return; drawForm(); await run(); }, "join");
    variable.hidden = question.layer === "cells";
    const rest = select(t.others, [["1", t.others_stay], ["0.15", t.others_dim], ["0", t.others_hide]], String(state.rest), (value) => { state.rest = +value; run(); }, "rest");
    const held = form.getRootNode().activeElement, hand = form.contains(held) ? held.className : "";
    form.replaceChildren(layers, make("div", {class: "row"}, ...shapes), make("div", {class: "row"}, distance, make("span", {class: "muted small"}, "m"), around), conditionForm(), variable, rest, typed());
    // Who chooses by keyboard goes on from the same field.
    if (hand) form.getElementsByClassName(hand)[0]?.focus();
  };
  const drawChips = () => {
    const t = model.texts, chip = (text, drop) => { const node = make("button", {class: "chip small", "aria-label": `${t.remove}: ${text}`}, text, make("span", {"aria-hidden": true}, " ×")); node.onclick = drop; return node; };
    const all = question.where.map((each) => chip(said(each), () => dropWhere(each.column)));
    if (question.region) all.unshift(chip(question.region.kind === "near" ? `≤ ${metres(question.region.distance_m)}` : t[`region_${question.region.kind}`], () => { question.region = null; overlay.set("region", null); restart(); }));
    if (question.rows) all.unshift(chip(state.title || `× ${question.rows.length}`, () => { question.rows = null; restart(); }));
    chips.replaceChildren(...all);
  };
  const drawSummary = () => {
    const t = model.texts, s = state.answer.summary, tile = (name, value) => make("div", {class: "tile"}, make("b", {class: "num"}, value), make("span", {class: "small muted"}, name));
    const tiles = [tile(t.of_total.replace("{total}", decimals(s.total)), String(s.count))];
    if (s.area_m2 > 0) tiles.push(tile(t.area, squares(s.area_m2)));
    if (s.length_m > 0) tiles.push(tile(t.length, metres(s.length_m)));
    if (s.volume_m3 > 0) tiles.push(tile(t.volume, `${decimals(s.volume_m3)} m³`), tile(t.highest, `${decimals(s.highest_m)} m`));
    const keep = make("button", {class: "do keep"}, t.keep_for_comparison);
    keep.onclick = () => { state.former = {...s, title: state.title || chips.textContent || t.selection}; drawSummary(); };
    const parts = [make("div", {class: "tiles", role: "status"}, ...tiles), keep];
    if (state.former) {
      const f = state.former, line = (name, now, was, unit) => make("tr", {}, make("td", {}, name), make("td", {class: "num"}, decimals(was)), make("td", {class: "num"}, decimals(now)), make("td", {class: "num"}, was ? `${(now / was * 100 - 100).toFixed(1)} %` : "–"), make("td", {class: "muted"}, unit));
      parts.push(make("table", {class: "small compared"}, make("thead", {}, make("tr", {}, ...["", t.kept, t.now_selected, t.change, ""].map((each) => make("th", {}, each)))), make("tbody", {}, line(t.count, s.count, f.count, ""), line(t.area, s.area_m2, f.area_m2, "m²"), line(t.volume, s.volume_m3, f.volume_m3, "m³"), line(t.highest, s.highest_m, f.highest_m, "m"))));
    }
    summary.replaceChildren(...parts);
  };
  const drawChart = () => {
    const t = model.texts, {numbers, classes} = state.answer.summary;
    const names = [...numbers.map((each) => each.column), ...classes.map((each) => each.column)];
    const wanted = [state.chart, state.joined, "height_m", model.cell_variable, "function", "highway"].find((name) => names.includes(name)) ?? names[0];
    if (!wanted) { chart.replaceChildren(); return; }
    const chooser = select(t.chart_of, names.map((name) => [name, name]), wanted, (value) => { state.chart = value; drawChart(); }, "charted");
    const number = numbers.find((each) => each.column === wanted), held = question.where.find((each) => each.column === wanted);
    const picture = number ? histogram(number, {label: wanted, chosen: -1, onchoose: (bar) => setWhere({column: wanted, at_least: number.edges[bar], at_most: number.edges[bar + 1]})})
      : classBars(classes.find((each) => each.column === wanted).counts, {chosen: held?.one_of ?? [], nothing: t.no_data, onchoose: (name) => held?.one_of?.includes(name) ? dropWhere(wanted) : setWhere({column: wanted, one_of: [name]})});
    const figures = number ? make("div", {class: "small num muted figures"}, `${t.count} ${number.count} · ${t.sum} ${decimals(number.sum)} · ${t.mean} ${decimals(number.mean)} · ${decimals(number.least)} – ${decimals(number.greatest)}`) : null;
    chart.replaceChildren(chooser, picture, ...(figures ? [figures] : []));
  };
  const drawTable = () => {
    const t = model.texts, {columns: names, rows} = state.answer.records, total = state.answer.summary.count;
    const useful = names.map((name, index) => [name, index + 3]).filter(([, at]) => rows.some((row) => row[at] !== ""));
    const body = rows.map((row) => {
      const line = make("tr", {tabindex: 0, "data-row": row[0], "aria-selected": String(model.selected.layer === question.layer && model.selected.row === row[0])}, make("td", {class: "num"}, `#${row[1]}`), make("td", {}, row[2]), ...useful.map(([, at]) => make("td", {}, row[at])));
      const pick = () => tool.pick(question.layer, row[0]);
      line.onclick = pick;
      line.onkeydown = (event) => { if (event.key === "Enter") pick(); };
      return line;
    });
    const head = make("thead", {}, make("tr", {}, ...[t.record, t.name, ...useful.map(([name]) => name)].map((name) => make("th", {scope: "col"}, name))));
    const step = (label, by, off) => { const button = make("button", {class: "do"}, label); button.disabled = off; button.onclick = () => { state.first = Math.max(0, state.first + by); run(); }; return button; };
    const pages = make("div", {class: "row small muted"}, step("‹", -50, state.first === 0), `${total ? state.first + 1 : 0}–${Math.min(state.first + 50, total)} / ${total}`, step("›", 50, state.first + 50 >= total));
    table.replaceChildren(pages, make("div", {class: "rows scroll", tabindex: 0, role: "region", "aria-label": t.table}, make("table", {class: "small"}, head, make("tbody", {}, ...body))));
  };
  const draw = () => { drawChips(); if (state.answer) { drawSummary(); drawChart(); drawTable(); } };
  model.on("selected", () => {
    for (const line of table.querySelectorAll("tr[data-row]")) {
      const chosen = model.selected.layer === question.layer && +line.dataset.row === model.selected.row;
      line.setAttribute("aria-selected", String(chosen));
      if (chosen) line.scrollIntoView({block: "nearest"});
    }
  });
  model.on("step", () => { if (state.joined || question.layer === "cells") run(); });
  model.on("cell_variable", () => { if (question.layer === "cells") useLayer("cells"); });
  return {
    root, asked, isEmpty, state,
    async open() { if (!question.layer) await useLayer(model.layers[0]?.id ?? "cells"); else { drawForm(); draw(); } },
    speak() { if (question.layer) { drawForm(); draw(); } },
    async show({layer, rows, title, open}) {
      if (question.layer !== layer) { Object.assign(question, {layer, where: [], region: null}); Object.assign(state, {chart: "", joined: ""}); overlay.set("region", null); if (!await columns()) return; }
      Object.assign(question, {rows, region: null}); state.title = title; state.first = 0;
      drawForm();
      if (open) tool.open("query");
      await run();
    },
    clear() { Object.assign(question, {region: null, where: [], rows: null}); overlay.set("region", null); state.title = ""; model.found = {}; if (question.layer && tool.isOpen("query")) restart(); },
  };
}
