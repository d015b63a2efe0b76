// The planner's tools: one bar, and the panel of the tool in hand below it.
const TOOL_ICONS = {
  query: '<path d="M4 4h11M4 4v11M20 9v11M20 20H9" stroke-dasharray="3 2.500"/><path d="M11 11l8 3-3.500 1.500L14 19z"/>',
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
      tool.say(typeof told.detail === "string" ? told.detail : model.texts.question_refused);
    } catch { tool.say(model.texts.no_answer); }
    return null;
  };
  let count = 0;
  tool.fly = (bounds) => { model.flight = {bounds, count: ++count}; };
  tool.pick = (layer, row) => { model.picked = {layer, row, count: ++count}; };
  tool.title = (layer) => model.layers.find((each) => each.id === layer)?.title ?? layer;
  tool.isOpen = (name) => tool.current === name;
  tool.clear = () => { tool.overlay.release(); tool.overlay.set("pin", null); tool.say(""); tool.query.clear(); };
  tool.query = queryPanel(tool);
  const search = searchBox(tool);
  const panels = {query: tool.query};
  const body = make("div", {class: "card panel toolpanel scroll", role: "region"});
  const buttons = make("div", {class: "buttons", role: "toolbar"});
  const bar = make("div", {class: "card bar"}, search.root, buttons);
  el.replaceChildren(make("div", {class: "stack"}, bar, status, search.panel, body));
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
