const CLOSE = '<svg width="18" height="18" viewBox="0 0 24 24"><path d="M6 6l12 12M18 6L6 18"/></svg>';
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) key === "class" ? node.className = value : node.setAttribute(key, value);
  node.append(...children);
  return node;
};
export function render({model, el}) {
  const chart = make("div", {class: "chart"}, model.get_child("chart"));
  const before = make("div"), after = make("div");
  const scroll = make("div", {class: "scroll inner"}, before, chart, after);
  const head = make("div", {class: "head"});
  const card = make("div", {class: "card panel", role: "region"}, head, scroll);
  el.replaceChildren(card);
  const draw = () => {
    const c = model.content, t = model.texts;
    card.hidden = !c.title;
    if (!c.title) return;
    card.setAttribute("aria-label", t.selected);
    const close = make("button", {class: "icon close", "aria-label": t.close, title: t.close});
    close.innerHTML = CLOSE;
    close.onclick = () => { model.closed += 1; };
    head.replaceChildren(make("div", {class: "names"}, make("div", {class: "small muted"}, c.kind), make("h2", {}, c.title), make("div", {class: "small muted num"}, c.place)), close);
    const facts = c.facts.map(([name, value]) => make("div", {class: "fact small"}, make("span", {class: "muted"}, name), make("span", {}, value)));
    const rows = c.values.map((value) => {
      const row = make("button", {class: "value", "aria-pressed": value.name === c.chosen},
        make("span", {class: "label"}, value.title), ...(value.modelled ? [make("span", {class: "badge"}, t.modelled)] : []),
        make("span", {class: "num reading"}, value.value, make("small", {class: "muted"}, ` ${value.unit}`)));
      row.onclick = () => { model.chosen = value.name; };
      return row;
    });
    before.replaceChildren(...(facts.length ? [make("div", {class: "facts"}, ...facts)] : []),
      make("h3", {}, t.values_here, make("span", {class: "muted"}, ` ${c.now}`)), make("div", {class: "values"}, ...rows));
    chart.hidden = !c.charted;
    if (c.constant) before.append(make("div", {class: "small muted constant"}, c.constant));
    const table = make("table", {class: "small num"}, make("thead", {}, make("tr", {}, ...c.columns.map((name) => make("th", {}, name)))),
      make("tbody", {}, ...c.sources.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell))))));
    after.replaceChildren(make("h3", {}, t.sources, make("span", {class: "muted"}, ` ${c.about}`)));
    if (c.sources.length) after.append(make("div", {class: "small muted counted"}, c.counted), table);
    else after.append(make("div", {class: "small muted"}, c.missing));
    if (c.steps.length) after.append(make("h3", {}, t.steps), make("ol", {class: "small muted"}, ...c.steps.map(({text, lang}) => make("li", lang === document.documentElement.lang ? {} : {lang}, text))));
    if (c.origin.length) after.append(...c.origin.map((line) => make("div", {class: "small faint origin"}, line)));
  };
  model.on("content", draw); model.on("texts", draw);
  draw();
}
