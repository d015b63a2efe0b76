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
const shape = (tag, attributes) => {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};
const LARGEST = 50 * 1024 * 1024;
const LEAST = 3;  // Of 100: a handful of records among millions must still be seen; the table beside has the numbers.
// Bands from one bar on the left to one for each way out on the right, and from those that lead nowhere to the reasons.
function flow(f) {
  const svg = shape("svg", {viewBox: "0 0 360 100", preserveAspectRatio: "none", class: "flow", role: "img", "aria-label": f.label});
  const heights = (parts, room) => {
    const some = parts.map(({share}) => share > 0 ? Math.max(share * room, LEAST) : 0);
    const total = some.reduce((a, b) => a + b, 0);
    return some.map((height) => total > room ? height * room / total : height);
  };
  const out = f.fates.filter(({share}) => share > 0), gap = 8;
  const sizes = heights(out, 100 - gap * Math.max(out.length - 1, 0));
  const whole = sizes.reduce((a, b) => a + b, 0);
  svg.append(shape("rect", {x: 0, y: 0, width: 8, height: Math.max(whole, LEAST), rx: 2, class: "in"}));
  let from = 0, to = 0;
  out.forEach((fate, i) => {
    const size = sizes[i];
    svg.append(shape("path", {class: `band ${fate.fate}`, d: `M8 ${from} C80 ${from} 100 ${to} 172 ${to} V${to + size} C100 ${to + size} 80 ${from + size} 8 ${from + size} Z`}));
    svg.append(shape("rect", {x: 172, y: to, width: 8, height: size, rx: 2, class: fate.fate}));
    const reasons = f.reasons.filter((reason) => reason.fate === fate.fate);
    let below = to;
    reasons.forEach((reason) => {
      const part = size * reason.share / Math.max(fate.share, 1e-12);
      svg.append(shape("path", {class: `band ${fate.fate}`, d: `M180 ${below} H344 V${below + part} H180 Z`}), shape("rect", {x: 344, y: below, width: 8, height: Math.max(part - 1, 0.5), rx: 1, class: fate.fate}));
      below += part;
    });
    from += size; to += size + gap;
  });
  return svg;
}
const bars = (items) => make("ul", {class: "bars small"}, ...items.map(({label, share, text}) => {
  const bar = make("i", {"aria-hidden": "true"});
  bar.style.width = `${Math.max(100 * share, 0.5)}%`;
  return make("li", {}, make("span", {class: "label"}, label), make("span", {class: "num"}, text), bar);
}));
const picture = (svg, label) => make("img", {class: "evidence", alt: label, src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`});
const facts = (rows) => make("dl", {class: "small"}, ...rows.flatMap(([name, value]) => [make("dt", {class: "muted"}, name), make("dd", {}, value)]));
// A sentence of the engine without a translation is English, whatever the language of the page: it is marked so.
const said = (lines) => make("ul", {class: "small muted settle"}, ...lines.map(({text, lang}) => make("li", {lang: lang !== document.documentElement.lang && lang}, text)));
const reason = (code, text) => [text === code ? "" : make("span", {}, `${text} `), make("code", {}, code)];
export function render({model, el}) {
  const t = () => model.texts;
  const report = {state: "idle", name: "", told: null};
  let asked = "";
  const dot = (colour) => make("i", {class: `dot ${colour || "none"}`, "aria-hidden": "true"});
  const line = (layer) => {
    const button = make("button", {class: "layer", "aria-pressed": String(layer.name === model.content.chosen), "data-layer": layer.name, "data-colour": layer.colour},
      dot(layer.colour), make("span", {class: "name"}, layer.title), layer.modelled ? make("span", {class: "badge"}, t().modelled) : "",
      make("span", {class: "small word"}, layer.word), make("span", {class: "small muted why"}, layer.line));
    button.onclick = () => { model.chosen = layer.name; };
    return make("li", {}, button);
  };
  const ledger = (f) => make("div", {class: "ledger"}, flow(f), make("table", {class: "small num"},
    make("thead", {}, make("tr", {}, ...[t().fate, t().reason, t().records_short].map((name) => make("th", {scope: "col"}, name)))),
    make("tbody", {}, make("tr", {}, make("th", {scope: "row"}, t().all_in), make("td", {}), make("td", {}, f.records_in)),
      ...f.fates.flatMap((fate) => [make("tr", {}, make("th", {scope: "row"}, make("i", {class: `key ${fate.fate}`, "aria-hidden": "true"}), fate.title), make("td", {}), make("td", {}, fate.records)),
        ...f.reasons.filter((why) => why.fate === fate.fate).map((why) => make("tr", {class: "reason"}, make("td", {}), make("td", {}, ...reason(why.code, why.text)), make("td", {}, why.records)))]))));
  const verdict = (v, name) => {
    if (!v) return [];
    const draw = make("button", {class: "text", "data-act": "picture"}, t().show_picture);
    draw.onclick = () => { asked = name; model.pictured = {layer: name, at: performance.now()}; redraw(); };
    const drawn = model.picture.layer === name;
    const image = drawn ? (model.picture.svg ? picture(model.picture.svg, t().picture_of) : make("p", {class: "small muted"}, t().no_picture))
      : asked === name ? make("p", {class: "small muted", role: "status"}, t().computing) : draw;
    return [make("h3", {}, t().verdict), make("p", {class: "small"}, v.headline), v.candidates.length ? bars(v.candidates) : "",
      ...(v.settle.length ? [make("h4", {class: "small"}, t().settle_title), said(v.settle)] : []), v.pictured ? image : ""];
  };
  const detail = (d, name) => make("section", {class: "detail"}, make("h2", {}, d.title), facts([...d.facts, [t().files_of, d.files.join(", ")]]),
    make("h3", {}, t().reasons_of), make("ul", {class: "reasons small"}, ...(d.reasons.length ? d.reasons.map(({colour, text}) => make("li", {}, dot(colour), make("span", {}, `${t()[`trust_${colour}`]}: `), text)) : [make("li", {class: "muted"}, t().trust_none)])),
    make("h3", {}, t().ledger_title), ledger(d.flow), ...verdict(d.verdict, name));
  const fusion = (f) => {
    const go = make("button", {class: "text", "data-act": "fusion"}, t().measure_fusion);
    go.onclick = () => { model.measured += 1; go.replaceWith(make("span", {class: "small muted", role: "status"}, t().computing)); };
    const cell = (share, text) => { const bar = make("i", {"aria-hidden": "true"}); bar.style.width = `${100 * share}%`; return make("td", {class: "num"}, bar, make("span", {}, text)); };
    return make("section", {class: "fusion"}, make("h2", {}, t().fusion), make("p", {class: "small muted"}, f.note), f.offered ? go : "",
      f.rows.length ? make("table", {class: "small"}, make("thead", {}, make("tr", {}, ...["layer", "before", "after"].map((key) => make("th", {scope: "col"}, t()[key])))),
        make("tbody", {}, ...f.rows.map((row) => make("tr", {}, make("th", {scope: "row"}, row.title), cell(row.before, row.texts[0]), cell(row.after, row.texts[1]))))) : "");
  };
  const send = async (file) => {
    if (!file) return;
    Object.assign(report, {state: "busy", name: file.name, told: null}); redraw();
    if (file.size > LARGEST) { Object.assign(report, {state: "fault", told: t().too_large}); redraw(); return; }
    try {
      const query = new URLSearchParams({name: file.name.slice(-200)});
      const answer = await fetch(`trust/diagnose?${query}`, {method: "POST", headers: {"X-City-Twin": "diagnose", "Content-Type": "application/octet-stream"}, body: file});
      if (answer.ok) Object.assign(report, {state: "told", told: await answer.json()});
      else Object.assign(report, {state: "fault", told: answer.status === 413 ? t().too_large : answer.status === 429 ? t().busy : t().not_sent});
    } catch { Object.assign(report, {state: "fault", told: t().not_sent}); }
    redraw();
  };
  const inbox = () => {
    // The browser's own control speaks the browser's language, so a button of ours stands for it.
    const input = make("input", {type: "file", class: "file", hidden: true, tabindex: "-1"}), choose = make("button", {class: "text choose"}, t().choose_file);
    input.onchange = () => send(input.files[0]);
    choose.onclick = () => input.click();
    const zone = make("div", {class: "drop"}, make("p", {class: "small"}, t().drop_hint), input, choose);
    zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over"); };
    zone.ondragleave = () => zone.classList.remove("over");
    zone.ondrop = (event) => { event.preventDefault(); zone.classList.remove("over"); send(event.dataTransfer.files[0]); };
    const box = make("section", {class: "inbox"}, make("h2", {}, t().drop_title), zone);
    const status = make("div", {role: "status", class: "report"});
    if (report.state === "busy") status.append(make("p", {class: "small muted"}, t().looking.replace("{name}", report.name)));
    if (report.state === "fault") status.append(make("p", {class: "small bad"}, report.told));
    if (report.state === "told") {
      const r = report.told[document.documentElement.lang] ?? report.told.en;
      status.append(make("h3", {}, r.name), make("p", {class: "small outcome", "data-outcome": r.outcome}, r.headline), facts(r.facts));
      if (r.ledger) status.append(make("p", {class: "small num ledger-line"}, r.ledger));
      if (r.reasons.length) status.append(make("ul", {class: "small num"}, ...r.reasons.map(([code, text, count]) => make("li", {}, `${count} · `, ...reason(code, text)))));
      if (r.candidates.length) status.append(bars(r.candidates));
      if (r.settle.length) status.append(make("h4", {class: "small"}, t().settle_title), said(r.settle));
      if (r.fault) status.append(make("p", {class: "small bad"}, r.fault));
      if (r.original) status.append(make("details", {class: "small original"}, make("summary", {class: "muted"}, t().original), make("p", {lang: "en"}, r.original)));
      if (r.picture) status.append(picture(r.picture, t().picture_of));
    }
    box.append(status);
    return box;
  };
  const list = make("div", {class: "scroll list"}), build = make("p", {class: "small muted build", role: "status"}), panel = make("div", {class: "card panel", role: "region"}, build, list);
  const told = () => { build.textContent = model.building; build.hidden = !model.building; };
  el.replaceChildren(panel);
  const redraw = () => {
    const c = model.content, top = list.scrollTop, at = el.getRootNode().activeElement;
    const focused = at && list.contains(at) ? at.dataset.layer ?? null : null;
    panel.setAttribute("aria-label", t().trust_board);
    if (!c.layers) { list.replaceChildren(make("p", {class: "small muted", role: "status"}, t().computing)); return; }
    list.replaceChildren(make("ul", {class: "layers", "aria-label": t().layers}, ...c.layers.map(line)), detail(c.detail, c.chosen), fusion(c.fusion), inbox());
    list.scrollTop = top;
    if (focused) list.querySelector(`[data-layer="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});
  };
  for (const name of ["content", "texts", "picture"]) model.on(name, redraw);
  model.on("building", told); told();
  redraw();
}
