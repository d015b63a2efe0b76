// The search box: a combobox over the server's hits, by keyboard and by pointer.
function searchBox(tool) {
  const {model, ask} = tool;
  const input = make("input", {type: "search", id: "search", role: "combobox", autocomplete: "off", spellcheck: "false", "aria-expanded": "false", "aria-controls": "hits", "aria-autocomplete": "list"});
  const list = make("ul", {id: "hits", role: "listbox", class: "hits scroll"});
  const note = make("div", {class: "small muted said", role: "status"});
  const root = make("div", {class: "search"}, input);
  const panel = make("div", {class: "card results"}, note, list);
  let hits = [], active = -1, timer, asked = 0;
  const open = (yes) => { panel.hidden = !yes; input.setAttribute("aria-expanded", String(yes)); };
  const mark = (index) => {
    active = index;
    [...list.children].forEach((row, place) => row.setAttribute("aria-selected", String(place === active)));
    const row = list.children[active];
    row ? input.setAttribute("aria-activedescendant", row.id) : input.removeAttribute("aria-activedescendant");
    row?.scrollIntoView({block: "nearest"});
  };
  const choose = (hit) => {
    open(false);
    input.value = hit.title;
    tool.fly(hit.bounds);
    tool.overlay.set("pin", hit.kind === "place" ? {kind: "pins", positions: [[hit.lon_deg, hit.lat_deg]], labels: [hit.title]} : null);
    if (hit.rows.length === 1) tool.pick(hit.layer, hit.rows[0]);
    if (hit.rows.length) tool.query.show({layer: hit.layer, rows: hit.rows, title: hit.title, open: hit.rows.length > 1});
  };
  const draw = () => {
    const t = model.texts, kinds = {place: t.coordinate, record: t.record, id: t.id, name: t.name, address: t.address, keyword: t.keyword};
    list.replaceChildren(...hits.map((hit, index) => {
      const about = hit.kind === "place" ? hit.detail : [tool.title(hit.layer), hit.kind === "name" ? "" : hit.detail, hit.rows.length > 1 ? `× ${hit.rows.length}` : ""].filter(Boolean).join(" · ");
      const row = make("li", {role: "option", id: `hit-${index}`, "aria-selected": "false"}, make("span", {class: "hit"}, hit.title), make("span", {class: "small muted"}, `${kinds[hit.kind]} · ${about}`));
      row.onclick = () => choose(hit);
      return row;
    }));
    note.textContent = hits.length ? t.found_count.replace("{count}", hits.length) : t.nothing_found;
    mark(hits.length ? 0 : -1);
  };
  const search = async () => {
    const text = input.value.trim(), turn = ++asked;
    if (!text) { open(false); return; }
    const found = await ask(`search?q=${encodeURIComponent(text)}`);
    if (turn !== asked || !found) return;
    hits = found;
    draw();
    open(true);
  };
  input.oninput = () => { clearTimeout(timer); timer = setTimeout(search, 180); };
  input.onkeydown = async (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); mark((active + (event.key === "ArrowDown" ? 1 : hits.length - 1)) % Math.max(hits.length, 1)); }
    if (event.key === "Escape") { open(false); tool.clear(); }
    if (event.key === "Enter") { if (panel.hidden) { clearTimeout(timer); await search(); } if (hits[active]) choose(hits[active]); }
  };
  window.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.composedPath()[0].closest?.("input, textarea, select")) { event.preventDefault(); input.focus(); }
  });
  open(false);
  return {root, panel, speak() { const t = model.texts; input.placeholder = t.search_hint; input.setAttribute("aria-label", t.search); list.setAttribute("aria-label", t.search); if (!panel.hidden) draw(); }};
}
