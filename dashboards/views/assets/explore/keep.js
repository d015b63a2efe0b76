// Notes, bookmarks and the tour are kept in this browser and as a file; pictures and data are taken along.
function notesPanel(tool) {
  const {model, overlay} = tool, root = make("div", {class: "sheet notes"}), key = `city-twin:${document.title}`;
  const empty = {notes: [], bookmarks: []};
  let kept = empty, tour = null;
  try { kept = {...empty, ...JSON.parse(localStorage.getItem(key) ?? "{}")}; } catch { kept = empty; }
  // What a link brought is beside what this browser keeps; it is kept here too once somebody changes anything.
  const same = (a, b) => a.text === b.text && a.at.every((side, index) => Math.abs(side - b.at[index]) < 2e-5);
  kept.notes = [...kept.notes, ...model.notes.filter((note) => !kept.notes.some((each) => same(note, each)))];
  if (kept.notes.length) model.notes = kept.notes;
  const store = () => { model.notes = kept.notes; try { localStorage.setItem(key, JSON.stringify(kept)); } catch { /* A browser that keeps nothing still shows them. */ } show(); };
  const show = () => overlay.set("notes", kept.notes.length ? {kind: "pins", positions: kept.notes.map((note) => note.at), labels: kept.notes.map((note) => note.text)} : null);
  const go = (camera) => { const deck = tool.overlay.deck ?? window.cityTwin.deck(); lead(deck, camera); };
  const stop = () => { clearInterval(tour); tour = null; draw(); };
  const start = () => {
    let next = 0;
    const step = () => { if (next >= kept.bookmarks.length) { stop(); return; } const mark = kept.bookmarks[next++]; go(mark.camera); tool.say(mark.text); };
    if (kept.bookmarks.length) { tour = setInterval(step, 4000); step(); draw(); }
  };
  const read = async (file) => {
    try {
      const told = JSON.parse(await file.text()), isPlace = (at) => Array.isArray(at) && at.length === 2 && at.every(Number.isFinite);
      kept = {notes: (told.notes ?? []).filter((note) => isPlace(note.at)).slice(0, 500).map((note) => ({at: note.at, text: String(note.text).slice(0, 200)})),
        bookmarks: (told.bookmarks ?? []).filter((mark) => mark.camera && ["longitude", "latitude", "zoom"].every((name) => Number.isFinite(mark.camera[name]))).slice(0, 100).map((mark) => ({camera: mark.camera, text: String(mark.text).slice(0, 200)}))};
      store(); draw();
    } catch { tool.say(model.texts.not_a_notes_file); }
  };
  const list = (items, name, ongo) => make("ul", {class: `kept ${name}`}, ...items.map((item, index) => make("li", {class: "row small"}, act(item.text || "–", () => ongo(item), "go"), act("×", () => { kept[name] = items.filter((_, at) => at !== index); store(); draw(); }, "drop"))));
  const draw = () => {
    const t = model.texts, text = make("input", {type: "text", maxlength: 200, class: "note", "aria-label": t.note_text, placeholder: t.note_text}), file = make("input", {type: "file", accept: "application/json", class: "file", "aria-label": t.read_file});
    const put = (at) => { kept = {...kept, notes: [...kept.notes, {at, text: text.value || "•"}]}; overlay.release(); store(); draw(); };
    file.onchange = () => file.files[0] && read(file.files[0]);
    const camera = () => cameraOf(tool.overlay.deck ?? window.cityTwin.deck());
    root.replaceChildren(text, make("div", {class: "row"}, act(t.put_on_map, () => overlay.capture({tap: put}), "put"), act(t.put_in_middle, () => { const at = camera(); put([at.longitude, at.latitude]); }, "middle"), act(t.bookmark, () => { kept = {...kept, bookmarks: [...kept.bookmarks, {camera: camera(), text: text.value || `${kept.bookmarks.length + 1}`}]}; store(); draw(); }, "bookmark")),
      ...(model.tour.length ? [act(t.city_tour, tool.startTour, "citytour")] : []),
      ...(kept.notes.length ? [make("div", {class: "small muted carried", role: "status"}, (model.carried < kept.notes.length ? t.notes_beyond_link : t.notes_in_link).replace("{carried}", model.carried).replace("{notes}", kept.notes.length))] : []),
      list(kept.notes, "notes", (note) => tool.fly([...note.at, ...note.at])), list(kept.bookmarks, "bookmarks", (mark) => go(mark.camera)),
      make("div", {class: "row"}, tour ? act(t.stop_tour, stop, "tour") : act(t.start_tour, start, "tour"), act(t.save_file, () => save(new Blob([JSON.stringify(kept, null, 1)], {type: "application/json"}), "city-notes.json"), "save"), file));
  };
  show();
  model.on("notes", () => { if (JSON.stringify(model.notes) !== JSON.stringify(kept.notes)) { kept = {...kept, notes: model.notes}; show(); draw(); } });
  model.on("carried", draw);
  return {root, open: draw, speak: draw, clear() { if (tour) stop(); }};
}
const save = (blob, name) => { const link = make("a", {href: URL.createObjectURL(blob), download: name}); document.body.append(link); link.click(); link.remove(); setTimeout(() => URL.revokeObjectURL(link.href), 20000); };
function exportPanel(tool) {
  const {model, overlay} = tool, root = make("div", {class: "sheet export"});
  const wrap = (pen, text, x, y, width) => { let line = ""; for (const word of text.split(" ")) { if (pen.measureText(`${line} ${word}`).width > width && line) { pen.fillText(line, x, y); line = word; y += 16; } else line = line ? `${line} ${word}` : word; } pen.fillText(line, x, y); return y; };
  const legend = (pen, rows, x, y, ink) => {
    const faded = rows.filter((row) => row.doubt.title).map((row) => ({title: row.title, legend: {kind: "doubt", ...row.doubt}}));
    for (const row of [...rows, ...faded]) {
      pen.font = "600 13px sans-serif"; pen.fillStyle = ink; pen.fillText(row.title, x, y); y += 17;
      pen.font = "12px sans-serif";
      const {kind, title, unit, items, colours, ticks} = row.legend;
      if (title) { pen.fillText(unit ? `${title} (${unit})` : title, x, y); y += 16; }
      if (kind === "ramp") {
        const band = pen.createLinearGradient(x, 0, x + 200, 0);
        colours.forEach((colour, index) => band.addColorStop(index / Math.max(colours.length - 1, 1), colour));
        pen.fillStyle = band; pen.fillRect(x, y - 9, 200, 9); pen.fillStyle = ink;
        ticks.forEach((tick, index) => { pen.textAlign = ["left", "center", "right"][index]; pen.fillText(tick, x + index * 100, y + 14); });
        pen.textAlign = "left"; y += 34;
      } else { for (const item of items) { if (!item.label) continue; pen.fillStyle = item.colour; pen.fillRect(x, y - 10, 20, 10); pen.fillStyle = ink; pen.fillText(`${item.label}  ${item.range ?? ""}`, x + 28, y); y += 17; } y += 8; }
    }
    return y;
  };
  const picture = () => {
    const deck = overlay.deck ?? window.cityTwin.deck(), t = model.texts, source = deck.canvas, box = source.getBoundingClientRect(), side = 250, head = 54, foot = 58;
    const sheet = make("canvas", {width: Math.round(box.width + side), height: Math.round(box.height + head + foot)}), pen = sheet.getContext("2d"), style = getComputedStyle(document.documentElement), colour = (name) => style.getPropertyValue(name).trim();
    pen.fillStyle = colour("--solid"); pen.fillRect(0, 0, sheet.width, sheet.height);
    pen.fillStyle = getComputedStyle(document.getElementById("map")).backgroundColor; pen.fillRect(side, head, box.width, box.height);
    deck.redraw("export");
    pen.drawImage(source, side, head, box.width, box.height);
    pen.save(); pen.translate(side, head); pen.beginPath(); pen.rect(0, 0, box.width, box.height); pen.clip(); window.cityTwin.writeNames(pen); overlay.paint(pen); pen.restore();
    pen.fillStyle = colour("--ink"); pen.textBaseline = "alphabetic"; pen.textAlign = "left"; pen.font = "600 20px sans-serif"; pen.fillText(model.heading, 16, 33);
    pen.font = "14px sans-serif"; pen.textAlign = "right"; pen.fillText(`${model.times[model.step] ?? ""}`, sheet.width - 16, 33); pen.textAlign = "left";
    legend(pen, model.legend, 16, head + 18, colour("--ink"));
    pen.fillStyle = colour("--muted"); pen.font = "11px sans-serif";
    wrap(pen, `${t.attribution}: ${model.credits.join(" · ")} · ${model.provenance}`, 16, sheet.height - foot + 18, sheet.width - 32);
    return new Promise((done) => sheet.toBlob(done, "image/png"));
  };
  const data = (ending) => () => {
    if (tool.query.isEmpty() && !tool.query.asked().layer) { tool.say(model.texts.export_needs_layer); return; }
    const link = make("a", {href: `${model.address}/export/${ending}?q=${encodeURIComponent(JSON.stringify(tool.query.asked()))}`, download: ""});
    document.body.append(link); link.click(); link.remove();
  };
  const draw = () => {
    const t = model.texts, asked = tool.query.asked();
    root.replaceChildren(act(t.export_picture, async () => save(await picture(), `${model.heading}.png`), "png"), make("div", {class: "small muted"}, asked.layer ? t.export_hint.replace("{layer}", tool.title(asked.layer)) : t.export_needs_layer),
      make("div", {class: "row"}, act("CSV", data("csv"), "csv"), act("GeoParquet", data("parquet"), "parquet"), act("GeoPackage", data("gpkg"), "gpkg")));
  };
  return {root, open: draw, speak: draw, clear() {}};
}
