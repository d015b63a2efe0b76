// The guided tour of the city: a card with what is to be seen, next and previous by button and by arrow keys.
function tourCard(tool) {
  const {model} = tool, root = make("section", {class: "card panel tour", tabindex: -1, role: "region", hidden: ""});
  let count = 0;
  const go = (stop) => { if (stop >= 0 && stop <= model.tour.length) model.asked_stop = {stop, count: ++count}; };
  root.onkeydown = (event) => {
    const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (by && model.stop + by >= 1) { event.preventDefault(); go(model.stop + by); }
    if (event.key === "Escape") { event.stopPropagation(); go(0); }
  };
  const draw = () => {
    const t = model.texts, stop = model.tour[model.stop - 1], was = root.hidden, held = root.contains(root.getRootNode().activeElement);
    root.hidden = !stop;
    if (!stop) return;
    root.setAttribute("aria-label", t.tour);
    const step = (by, text, name) => { const button = act(text, () => go(model.stop + by), name); button.disabled = model.stop + by < 1 || model.stop + by > model.tour.length; return button; };
    root.replaceChildren(
      make("div", {"aria-live": "polite"}, make("div", {class: "small muted num count"}, t.tour_stop.replace("{stop}", model.stop).replace("{stops}", model.tour.length)), make("h2", {}, stop.title), make("p", {}, stop.text)),
      make("div", {class: "row"}, step(-1, t.previous, "previous"), step(1, t.next, "next"), act(t.leave_tour, () => go(0), "leave")));
    if (was || held) root.focus();
  };
  return {root, draw, start: () => go(1)};
}
