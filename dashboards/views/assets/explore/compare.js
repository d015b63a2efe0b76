// Two states of the city beside each other: the page once more in a frame, its camera led by this one.
const cameraOf = (deck) => { const v = deck?.viewManager && deck.getViewports()[0]; return v ? {longitude: v.longitude, latitude: v.latitude, zoom: v.zoom, pitch: v.pitch, bearing: v.bearing} : null; };
const sameCamera = (a, b) => a && b && Object.keys(a).every((key) => Math.abs(a[key] - b[key]) < 1e-9);
// The path that a drag takes, so that whoever follows the camera hears of it.
const lead = (deck, camera) => { const was = deck.viewManager.getViewState("map"); deck._onViewStateChange({viewId: "map", viewState: {...was, ...camera, transitionDuration: 0}, oldViewState: was, interactionState: {}}); };
function comparePanel(tool) {
  const {model} = tool, root = make("div", {class: "sheet compare"}), host = document.getElementById("map"), city = document.getElementById("city");
  let frame = null, divider = null, mode = "", at = 64, last = null, step = null, variable = "";
  const other = () => frame?.contentWindow?.cityTwin?.deck?.();
  const place = () => {
    if (!frame) return;
    host.style.right = mode === "beside" ? "50%" : "";
    frame.style.left = mode === "beside" ? "50%" : "0"; frame.style.width = mode === "beside" ? "50%" : "100%";
    frame.style.pointerEvents = mode === "beside" ? "auto" : "none";
    frame.style.clipPath = mode === "swipe" ? `inset(0 0 0 ${at}%)` : "";
    divider.style.left = mode === "beside" ? "50%" : `${at}%`; divider.value = at;
    divider.setAttribute("aria-valuenow", Math.round(at));
  };
  const follow = () => {
    if (!frame) return;
    const mine = tool.overlay.deck ?? window.cityTwin.deck(), here = cameraOf(mine), there = cameraOf(other());
    if (here && there && !sameCamera(here, there)) {
      const [leader, camera] = mode === "beside" && last && sameCamera(here, last) ? [mine, there] : [other(), here];
      lead(leader, camera);
      last = camera;
    }
    requestAnimationFrame(follow);
  };
  const close = () => { frame?.remove(); divider?.remove(); frame = divider = null; mode = ""; host.style.right = ""; delete document.documentElement.dataset.compared; };
  const link = () => {
    const url = new URL(window.location.href);
    const label = model.labels[step ?? model.step];
    if (label) url.searchParams.set("t", label);
    if (variable) url.searchParams.set("cells", variable);
    url.searchParams.delete("play"); url.searchParams.delete("pick");
    return url.href;
  };
  const start = (wanted) => {
    close();
    mode = wanted;
    frame = make("iframe", {id: "other", src: link(), title: model.texts.tool_compare, tabindex: mode === "swipe" ? -1 : 0});
    Object.assign(frame.style, {position: "absolute", top: 0, height: "100%", border: 0, zIndex: 1});
    divider = make("div", {id: "divider", role: "slider", tabindex: 0, "aria-label": model.texts.swipe, "aria-valuemin": 0, "aria-valuemax": 100});
    Object.assign(divider.style, {position: "absolute", top: 0, bottom: 0, width: "12px", marginLeft: "-6px", zIndex: 1, cursor: "ew-resize", background: "linear-gradient(90deg,transparent 5px,var(--accent) 5px,var(--accent) 7px,transparent 7px)"});
    divider.onkeydown = (event) => { const by = {ArrowLeft: -2, ArrowRight: 2}[event.key]; if (by) { event.preventDefault(); at = Math.min(98, Math.max(2, at + by)); place(); } };
    divider.onpointerdown = (event) => { divider.setPointerCapture(event.pointerId); divider.onpointermove = (move) => { if (mode === "swipe") { at = Math.min(98, Math.max(2, move.clientX / window.innerWidth * 100)); place(); } }; };
    divider.onpointerup = () => { divider.onpointermove = null; };
    frame.onload = () => {
      const inside = frame.contentDocument;
      inside.head.append(inside.createElement("style"));
      inside.head.lastChild.textContent = ".slot { display: none !important; }";
      const wait = setInterval(() => { if (!frame) { clearInterval(wait); return; } if (inside.documentElement.dataset.ready === "yes") { clearInterval(wait); document.documentElement.dataset.compared = mode; last = null; follow(); } }, 100);
    };
    city.append(frame, divider);
    place();
  };
  const draw = () => {
    const t = model.texts, times = make("select", {"aria-label": t.other_time, class: "othertime"}), variables = make("select", {"aria-label": t.cells_of, class: "othervariable"});
    model.times.forEach((label, index) => { const option = make("option", {value: index}, label); option.selected = index === (step ?? model.step); times.append(option); });
    for (const {value, label} of model.cell_choices) { const option = make("option", {value}, label); option.selected = value === (variable || model.cell_variable); variables.append(option); }
    times.onchange = () => { step = +times.value; if (frame) start(mode); };
    variables.onchange = () => { variable = variables.value; if (frame) start(mode); };
    root.replaceChildren(make("div", {class: "small muted"}, t.compare_hint), make("label", {class: "field small muted"}, t.other_time, times), make("label", {class: "field small muted"}, t.cells_of, variables),
      make("div", {class: "row"}, act(t.swipe, () => start("swipe"), "swipe"), act(t.side_by_side, () => start("beside"), "beside"), act(t.close, close, "closing")));
  };
  return {root, open: draw, speak: draw, clear: close};
}
function sunPanel(tool) {
  const {model, ask} = tool, root = make("div", {class: "sheet sun"}), out = make("div", {class: "tiles", role: "status"});
  const [day, time] = ["date", "time"].map((type) => make("input", {type, class: type}));
  const moment = () => `${day.value}T${time.value}`;
  const shade = async () => {
    const at = cameraOf(tool.overlay.deck ?? window.cityTwin.deck()), t = model.texts;
    if (!at || !day.value || !time.value) return;
    const place = `time=${encodeURIComponent(moment())}&lon=${at.longitude.toFixed(3)}&lat=${at.latitude.toFixed(3)}`;
    const sun = await ask(`sun?${place}`);
    if (!sun) return;
    const tile = (name, value) => make("div", {class: "tile"}, make("b", {class: "num"}, value), make("span", {class: "small muted"}, name));
    out.replaceChildren(tile(t.azimuth, `${sun.azimuth_deg.toFixed(1)}°`), tile(t.elevation, `${sun.elevation_deg.toFixed(1)}°`));
    if (sun.elevation_deg < 2) out.append(make("div", {class: "small muted"}, t.sun_is_down));
    model.shade = place;
  };
  const draw = () => {
    const t = model.texts, [date, clock] = (model.labels[model.step] || "2026-06-21T12:00").split("T");
    if (!day.value) { day.value = clock ? date : "2026-06-21"; time.value = (clock ?? date).slice(0, 5); }
    day.setAttribute("aria-label", t.date); time.setAttribute("aria-label", t.time);
    root.replaceChildren(make("div", {class: "small muted"}, t.sun_hint), make("div", {class: "row"}, day, time, act(t.show_shadows, shade, "shade")), out);
  };
  return {root, open: draw, speak: draw, clear() { model.shade = ""; out.replaceChildren(); }};
}
