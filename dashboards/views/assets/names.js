// Names of streets and areas over the map: along what they name, upright, never over each other. What is chosen depends
// on the camera and the layers alone, so the same view has the same names.
(() => {
  const MOST = 40, MOST_TRIED = 1500, LONGEST = 40, SIZE_PX = 12, GAP_PX = 6, APART_PX = 320, REST_MS = 200, LOOK_MS = 100;
  const OVERHANG = 1.3;  // Of the length of a stretch: its name may be as much longer, as the street goes on.
  const canvas = Object.assign(document.createElement("canvas"), {id: "names"}), pen = canvas.getContext("2d");
  canvas.setAttribute("aria-hidden", "true");
  const widths = new Map();
  let deck = null, seen = null, known = "", due = 0, looked = 0, written = [];

  const widthOf = (text) => {
    if (!widths.has(text)) widths.set(text, pen.measureText(text).width);
    return widths.get(text);
  };
  const isName = (text) => typeof text === "string" && text.length > 0 && text.length <= LONGEST;
  const layers = () => document.documentElement.dataset.names === "no" ? [] : window.cityTwin.layers().filter(({props}) => props.visible);
  const areasOf = ({contents, props}) => (!contents && Array.isArray(props.data) ? props.data : []).filter(({t, p}) => isName(t) && Array.isArray(p?.[0]?.[0]));
  const streetsOf = (content) => content.named ??= content.drawn.filter(({t}) => isName(t)).sort((a, b) => b.w - a.w);

  // What could be written, areas first and then streets, the main ones first.
  const candidates = () => {
    const areas = [], streets = [];
    for (const layer of layers()) {
      for (const {t, p} of areasOf(layer)) areas.push({text: t, ring: p[0]});
      if (layer.props.kind === "lines") for (const content of layer.contents()) for (const {t, p, w} of streetsOf(content).slice(0, MOST_TRIED)) streets.push({text: t, path: p, w});
    }
    return [...areas, ...streets.sort((a, b) => b.w - a.w)].slice(0, MOST_TRIED);
  };

  // Where a length along projected points is.
  const at = (points, lengths, along) => {
    let k = 1;
    while (k < lengths.length - 1 && lengths[k] < along) k++;
    const part = (along - lengths[k - 1]) / (lengths[k] - lengths[k - 1] || 1);
    return [0, 1].map((axis) => points[k - 1][axis] + part * (points[k][axis] - points[k - 1][axis]));
  };
  const onStreet = (view, path, width) => {
    const points = [], lengths = [0];
    for (let k = 0; k < path.length; k += 2) points.push(view.project([path[k], path[k + 1]]));
    for (let k = 1; k < points.length; k++) lengths.push(lengths[k - 1] + Math.hypot(points[k][0] - points[k - 1][0], points[k][1] - points[k - 1][1]));
    const total = lengths[lengths.length - 1], half = Math.min(width, total) / 2;
    if (total * OVERHANG < width) return null;
    const [from, to] = [at(points, lengths, total / 2 - half), at(points, lengths, total / 2 + half)];
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    if (Math.hypot(dx, dy) < 1.9 * half) return null;  // Bent: letters would leave the street.
    const angle = Math.atan2(dy, dx);
    return {x: (from[0] + to[0]) / 2, y: (from[1] + to[1]) / 2, angle: Math.abs(angle) > Math.PI / 2 ? angle - Math.sign(angle) * Math.PI : angle};
  };
  const onArea = (view, ring, width) => {
    const xs = [], ys = [];
    for (const place of ring) { const [x, y] = view.project(place); xs.push(x); ys.push(y); }
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const fits = right - left > 1.2 * width && bottom - top > 2 * SIZE_PX;
    // What is wider than the window is the name of all that is seen.
    return !fits || right - left > view.width ? null : {x: (left + right) / 2, y: (top + bottom) / 2, angle: 0};
  };
  const placed = (view, {text, path, ring}) => {
    const width = widthOf(text), place = path ? onStreet(view, path, width) : onArea(view, ring, width);
    return place && place.x > 0 && place.y > 0 && place.x < view.width && place.y < view.height ? {...place, text, width} : null;
  };

  // Circles along a name, which touch no other's.
  const circlesOf = ({x, y, angle, width}) => {
    const count = Math.max(Math.ceil(width / SIZE_PX), 1);
    return Array.from({length: count}, (_, k) => {
      const along = width * ((k + .5) / count - .5);
      return [x + along * Math.cos(angle), y + along * Math.sin(angle)];
    });
  };
  const choose = (view) => {
    const taken = [], chosen = [];
    for (const one of candidates()) {
      if (chosen.length === MOST) break;
      const name = placed(view, one);
      if (!name || chosen.some(({name: {text, x, y}}) => text === name.text && Math.hypot(x - name.x, y - name.y) < APART_PX)) continue;
      const circles = circlesOf(name);
      if (circles.some(([x, y]) => taken.some(([a, b]) => Math.hypot(x - a, y - b) < SIZE_PX + GAP_PX))) continue;
      taken.push(...circles);
      chosen.push({...one, name});
    }
    return chosen;
  };

  const write = (brush) => {
    const style = getComputedStyle(document.documentElement), colour = (name) => style.getPropertyValue(name).trim();
    brush.font = `500 ${SIZE_PX}px ${colour("--font")}`;
    Object.assign(brush, {textAlign: "center", textBaseline: "middle", lineJoin: "round", lineWidth: 3, strokeStyle: colour("--solid"), fillStyle: colour("--ink")});
    for (const {name: {text, x, y, angle}} of written) {
      brush.save();
      brush.translate(x, y);
      brush.rotate(angle);
      brush.globalAlpha = .85;
      brush.strokeText(text, 0, 0);
      brush.fillText(text, 0, 0);
      brush.restore();
    }
  };
  const paint = (view) => {
    const scale = window.devicePixelRatio || 1, [width, height] = [view.width, view.height].map((side) => Math.round(side * scale));
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    write(pen);
  };
  const told = () => layers().map((layer) => [layer.id, layer.countThings?.() ?? layer.props.data?.length].join(":")).join() + document.documentElement.dataset.theme;

  const follow = (now) => {
    deck ??= window.cityTwin.deck();
    const view = deck?.viewManager ? deck.getViewports()[0] : null, moved = view !== seen;
    if (view && (moved || now - looked > LOOK_MS)) {
      looked = now;
      const key = told();
      if (moved || key !== known) {
        [seen, known, due] = [view, key, now + REST_MS];
        if (moved) { written = written.map((one) => ({...one, name: placed(view, one)})).filter(({name}) => name); paint(view); }
      } else if (due && now >= due) {
        due = 0;
        pen.font = `500 ${SIZE_PX}px ${getComputedStyle(document.documentElement).getPropertyValue("--font").trim()}`;
        written = choose(view);
        if (written.length && !canvas.isConnected) document.getElementById("map").append(canvas);
        paint(view);
      }
    }
    requestAnimationFrame(follow);
  };
  requestAnimationFrame(follow);
  Object.assign(window.cityTwin, {
    names: () => written.map(({name}) => name),
    namesRest: () => seen !== null && due === 0 && told() === known && window.cityTwin.deck().getViewports()[0] === seen,
    writeNames: write,
  });
})();
