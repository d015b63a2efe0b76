// The planner's tools: one bar, and the panel of the tool in hand below it.
const TOOL_ICONS = {
  query: '<path d="M4 4h11M4 4v11M20 9v11M20 20H9" stroke-dasharray="3 2.500"/><path d="M11 11l8 3-3.500 1.500L14 19z"/>',
  measure: '<path d="M3 16L16 3l5 5L8 21zM7 12l2 2M10 9l3 3M13 6l2 2"/>',
  before: '<circle cx="6" cy="17" r="2.6"/><circle cx="18" cy="7" r="2.6"/><path d="M8 15.300l7.500-6.300M12 8.500h3.800v3.500"/>',
  compare: '<path d="M4 5h16v14H4zM12 3v18M15.500 10l2 2-2 2M8.500 10l-2 2 2 2"/>',
  section: '<path d="M3 20h18M5 20v-7h4v7M10 20V6h4v14M15 20v-9h4v9"/>',
  sun: '<circle cx="12" cy="9" r="3.600"/><path d="M12 2v1.500M12 14.500V16M5 9h1.500M17.500 9H19M7 4l1 1M16 13l1 1M17 4l-1 1M8 13l-1 1M4 20h16"/>',
  notes: '<path d="M5 4h14v11h-8l-4 4v-4H5zM8 8h8M8 11h5"/>',
  export: '<path d="M12 4v10M8 10.500l4 4 4-4M5 19h14"/>',
  clear: '<path d="M6 6l12 12M18 6L6 18"/>',
};
export function render({model, el}) {
  const tool = {model, overlay: new Overlay(document.getElementById("map")), panels: {}, current: ""};
  const status = make("div", {class: "card said small", role: "alert", hidden: ""});
  tool.say = (text) => { status.hidden = !text; status.textContent = text; };
  tool.ask = async (path, body) => {
    try {
      const answer = await fetch(`${model.address}/${path}`, body ? {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)} : {});
      if (answer.ok) { tool.say(""); return await answer.json(); }
      const told = await answer.json().catch(() => ({}));
      tool.say(told.detail?.[document.documentElement.lang] ?? model.texts.question_refused);
    } catch { tool.say(model.texts.no_answer); }
    return null;
  };
  let count = 0;
  tool.fly = (bounds) => { model.flight = {bounds, count: ++count}; };
  tool.pick = (layer, row) => { model.picked = {layer, row, count: ++count}; };
  tool.title = (layer) => model.layers.find((each) => each.id === layer)?.title ?? layer;
  tool.isOpen = (name) => tool.current === name;
  tool.clear = () => { tool.overlay.release(); tool.overlay.set("pin", null); tool.say(""); for (const panel of Object.values(panels)) panel.clear(); };
  tool.query = queryPanel(tool);
  const search = searchBox(tool);
  const panels = {query: tool.query, measure: measurePanel(tool), before: beforePanel(tool), compare: comparePanel(tool), section: sectionPanel(tool), sun: sunPanel(tool), notes: notesPanel(tool), export: exportPanel(tool)};
  const body = make("div", {class: "card panel toolpanel scroll", role: "region"});
  const buttons = make("div", {class: "buttons", role: "toolbar"});
  const bar = make("div", {class: "card bar"}, search.root, buttons);
  const tour = tourCard(tool);
  tool.startTour = tour.start;
  el.replaceChildren(make("div", {class: "stack"}, bar, status, tour.root, search.panel, body));
  for (const name of ["stop", "tour", "texts"]) model.on(name, tour.draw);
  tour.draw();
  tool.open = (name) => {
    tool.current = name;
    body.hidden = !name;
    if (name) { body.replaceChildren(panels[name].root); panels[name].open(); }
    speak();
  };
  const speak = () => {
    const t = model.texts;
    buttons.setAttribute("aria-label", t.tools);
    body.setAttribute("aria-label", tool.current ? t[`tool_${tool.current}`] : t.tools);
    buttons.replaceChildren(...[...Object.keys(panels), "clear"].map((name) => {
      const button = make("button", {class: "icon", "data-tool": name, title: t[`tool_${name}`], "aria-label": t[`tool_${name}`], "aria-pressed": String(tool.current === name)});
      button.innerHTML = `<svg width="18" height="18" viewBox="0 0 24 24">${TOOL_ICONS[name]}</svg>`;
      button.onclick = () => { if (name === "clear") { tool.clear(); tool.open(""); } else { tool.overlay.release(); tool.open(tool.current === name ? "" : name); } };
      return button;
    }));
    search.speak();
  };
  model.on("texts", () => { speak(); for (const panel of Object.values(panels)) panel.speak(); });
  model.on("layers", () => { for (const panel of Object.values(panels)) panel.speak(); });
  tool.open("");
}
