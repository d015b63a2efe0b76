const EYE = '<svg width="18" height="18" viewBox="0 0 24 24"><path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="2.8"/></svg>';
const SHUT = '<svg width="18" height="18" viewBox="0 0 24 24"><path d="M3 9.5c2 3 5.2 5 9 5s7-2 9-5M6 13l-1.6 2.4M12 14.5v3M18 13l1.6 2.4"/></svg>';
const STACK = '<svg width="18" height="18" viewBox="0 0 24 24"><path d="M12 3.5l9 5-9 5-9-5zM3.5 13l8.500 4.700 8.500-4.700M3.500 16.800l8.500 4.700 8.500-4.700"/></svg>';
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) key === "class" ? node.className = value : node.setAttribute(key, value);
  node.append(...children);
  return node;
};
function legend(row) {
  const {kind, title, unit, items, colours, ticks} = row.legend;
  const box = make("div", {class: `legend of-${kind}`});
  if (title) box.append(make("div", {class: "legend-title small muted"}, unit ? `${title} (${unit})` : title));
  if (kind === "ramp") {
    const bar = make("div", {class: "ramp"});
    bar.style.background = `linear-gradient(90deg, ${colours.join(",")})`;
    box.append(bar, make("div", {class: "ticks small num muted"}, ...ticks.map((tick) => make("span", {}, tick))));
    return box;
  }
  for (const item of items) {
    if (!item.label) continue;
    const swatch = make("i", {class: "swatch"});
    swatch.style.background = item.colour;
    box.append(make("div", {class: "class"}, swatch, make("span", {}, item.label), make("span", {class: "num small faint"}, item.range ?? "")));
  }
  return box;
}
export function render({model, el}) {
  let folded = window.innerWidth < 900;
  const change = (id, patch) => { model.settings = {...model.settings, [id]: {...model.settings[id], ...patch}}; };
  const cellControls = (row) => {
    const select = make("select", {"aria-label": model.texts.cells_of, class: "variable"});
    for (const {value, label} of model.choices) {
      const option = make("option", {value}, label);
      option.selected = value === model.cell_variable;
      select.append(option);
    }
    select.onchange = () => { model.cell_variable = select.value; };
    const box = make("input", {type: "checkbox", class: "extruded"});
    box.checked = model.extruded;
    box.onchange = () => { model.extruded = box.checked; };
    return make("div", {class: "controls"}, select, make("label", {class: "small check"}, box, model.texts.columns));
  };
  const paletteControl = (row) => {
    const select = make("select", {class: "palette", "aria-label": `${model.texts.palette}: ${row.title}`});
    for (const {value, label} of row.palettes) {
      const option = make("option", {value}, label);
      option.selected = value === (model.palettes[row.id] ?? "");
      select.append(option);
    }
    select.onchange = () => {
      const {[row.id]: _former, ...others} = model.palettes;
      refocus = [row.id, "palette"];
      model.palettes = select.value ? {...others, [row.id]: select.value} : others;
    };
    return make("label", {class: "small muted palettes"}, model.texts.palette, select);
  };
  let refocus = null;
  // Rows of one domain that stand together are a group, with one switch for all of them.
  const group = (rows) => {
    const {domain} = rows[0], name = model.texts[`domain_${domain}`], shown = rows.some(({id}) => model.settings[id]?.visible);
    const toggle = make("button", {class: "icon eye all", "aria-pressed": shown, "aria-label": `${model.texts.show_group}: ${name}`, title: model.texts.show_group});
    toggle.innerHTML = shown ? EYE : SHUT;
    toggle.onclick = () => {
      const visible = !shown;
      model.settings = {...model.settings, ...Object.fromEntries(rows.map(({id}) => [id, {...model.settings[id], visible}]))};
    };
    const fold = make("button", {class: "group-name", "aria-expanded": !closed.has(domain)}, make("span", {class: "chevron", "aria-hidden": true}, closed.has(domain) ? "▸" : "▾"), name);
    fold.onclick = () => { closed.has(domain) ? closed.delete(domain) : closed.add(domain); draw(); };
    const box = make("div", {class: "group", "data-domain": domain}, make("h3", {}, toggle, fold));
    if (!closed.has(domain)) box.append(...rows.map(card));
    return box;
  };
  const grouped = () => {
    const groups = [];
    for (const row of model.rows) groups.at(-1)?.[0].domain === row.domain ? groups.at(-1).push(row) : groups.push([row]);
    return groups.map(group);
  };
  const closed = new Set();
  const card = (row) => {
    const setting = model.settings[row.id] ?? {visible: true, opacity: 1};
    const toggle = make("button", {class: "icon eye", "aria-pressed": setting.visible, "aria-label": `${model.texts.show}: ${row.title}`, title: model.texts.show});
    toggle.innerHTML = setting.visible ? EYE : SHUT;
    toggle.onclick = () => { change(row.id, {visible: !setting.visible}); };
    const moved = (by) => {
      const ids = model.rows.map(({id}) => id), at = ids.indexOf(row.id), button = by < 0 ? "up" : "down";
      [ids[at], ids[at + by]] = [ids[at + by], ids[at]];
      refocus = [row.id, button];
      model.order = ids;
    };
    const mover = (by, name, sign, text) => {
      const button = make("button", {class: `icon move ${name}`, title: text, "aria-label": `${text}: ${row.title}`}, sign);
      const at = model.rows.indexOf(row) + by;
      button.disabled = at < 0 || at >= model.rows.length;
      button.onclick = () => moved(by);
      return button;
    };
    const head = make("div", {class: "head"}, toggle, make("span", {class: "title"}, row.title));
    if (row.modelled) head.append(make("span", {class: "badge"}, model.texts.modelled));
    head.append(mover(-1, "up", "▴", model.texts.move_up), mover(1, "down", "▾", model.texts.move_down));
    const item = make("section", {class: `layer ${setting.visible ? "" : "off"}`, "data-layer": row.id}, head);
    if (!setting.visible) return item;
    const body = make("div", {class: "body"});
    if (row.note) body.append(make("div", {class: "note small num"}, row.note));
    if (row.kind === "cells") body.append(cellControls(row));
    body.append(legend(row));
    if (row.moves) body.append(make("div", {class: "legend-time small muted num"}, model.time));
    if (row.palettes.length) body.append(paletteControl(row));
    if (row.doubt.title) body.append(legend({legend: {kind: "doubt", ...row.doubt}}));
    const range = make("input", {type: "range", min: 5, max: 100, value: Math.round(setting.opacity * 100), "aria-label": `${model.texts.opacity}: ${row.title}`});
    const value = make("span", {class: "num"}, `${range.value}%`);
    const paint = () => { range.style.setProperty("--at", `${(range.value - 5) / .95}%`); value.textContent = `${range.value}%`; };
    range.oninput = paint;
    range.onchange = () => change(row.id, {opacity: range.value / 100});
    paint();
    body.append(make("div", {class: "opacity small muted"}, make("span", {}, model.texts.opacity), range, value));
    if (row.origin.length) {
      const more = make("details", {class: "origin small"}, make("summary", {class: "muted"}, model.texts.source));
      for (const line of row.origin) more.append(make("div", {class: "muted"}, line));
      more.open = opened.has(row.id);
      more.ontoggle = () => { more.open ? opened.add(row.id) : opened.delete(row.id); };
      body.append(more);
    }
    item.append(body);
    return item;
  };
  const check = (name, text) => {
    const box = make("input", {type: "checkbox", class: name});
    box.checked = model[name];
    box.onchange = () => { model[name] = box.checked; };
    return make("label", {class: "small check"}, box, text);
  };
  const nameAll = () => { document.documentElement.dataset.names = model.named ? "yes" : "no"; };
  const opened = new Set();
  const draw = () => {
    const top = el.querySelector(".list")?.scrollTop ?? 0;
    const fold = make("button", {class: "fold", "aria-expanded": !folded, title: folded ? model.texts.show_panel : model.texts.hide_panel});
    fold.innerHTML = STACK;
    fold.append(make("span", {}, model.texts.layers), make("span", {class: "chevron", "aria-hidden": true}, folded ? "▾" : "▴"));
    fold.onclick = () => { folded = !folded; draw(); };
    const panel = make("div", {class: "card panel"}, fold);
    if (!folded) panel.append(make("div", {class: "list scroll"}, make("div", {class: "doubting"}, check("doubtful", model.texts.show_doubt), check("named", model.texts.show_names)), ...grouped()));
    el.replaceChildren(panel);
    if (!folded) el.querySelector(".list").scrollTop = top;
    if (refocus) {
      const wanted = el.querySelector(`[data-layer="${CSS.escape(refocus[0])}"] .${refocus[1]}`);
      (wanted?.disabled ? wanted.parentElement.querySelector(".move:not(:disabled)") : wanted)?.focus();
    }
  };
  const eyes = () => JSON.stringify(Object.entries(model.settings).map(([id, {visible}]) => [id, visible]));
  let seen = eyes();
  // A new opacity alone leaves the slider, and the keyboard's focus on it, where they are.
  model.on("settings", () => { if (eyes() !== seen) { seen = eyes(); draw(); } });
  for (const name of ["rows", "texts", "choices", "cell_variable", "extruded", "doubtful", "named", "palettes"]) model.on(name, draw);
  model.on("named", nameAll);
  nameAll();
  model.on("time", () => el.querySelectorAll(".legend-time").forEach((line) => { line.textContent = model.time; }));
  draw();
}
