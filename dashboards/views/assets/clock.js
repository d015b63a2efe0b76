const PLAY = '<svg width="20" height="20" viewBox="0 0 24 24"><path d="M8 5.500v13l11-6.500z" fill="currentColor"/></svg>';
const PAUSE = '<svg width="20" height="20" viewBox="0 0 24 24"><path d="M8 5.500v13M16 5.500v13" stroke-width="3.500"/></svg>';
const SPEEDS = [0.5, 1, 2, 4, 8], PACE = 3;  // Steps a second at 1×.
export function render({model, el}) {
  el.innerHTML = `<div class="card clock"><button class="play"></button>
    <div class="now"><div class="time num" aria-live="off"></div><div class="date small muted"></div></div>
    <div class="line"><div class="caption small muted"></div>
      <svg class="profile" preserveAspectRatio="none" viewBox="0 0 100 20" aria-hidden="true"><path class="area"/><path class="past"/></svg>
      <input type="range" min="0" step="1"><div class="marks small num faint" aria-hidden="true"></div></div>
    <button class="speed small num"></button></div>`;
  const $ = (selector) => el.querySelector(selector);
  const [play, time, date, range, speed] = [".play", ".time", ".date", "input", ".speed"].map($);
  let playing = false, timer = null, waiting = null;
  const count = () => model.labels.length;
  const area = (upto) => {
    const p = model.profile;
    if (p.length < 2) return "";
    const last = Math.max(0, Math.min(upto, p.length - 1));
    const at = (i) => `${(100 * i / (p.length - 1)).toFixed(2)},${(19 - 17 * p[i]).toFixed(2)}`;
    return `M0,20 L${Array.from({length: last + 1}, (_, i) => at(i)).join(" L")} L${(100 * last / (p.length - 1)).toFixed(2)},20 Z`;
  };
  const show = (step) => {
    const label = model.labels[step] ?? {time: "", date: ""};
    time.textContent = label.time; date.textContent = label.date;
    range.value = step;
    range.style.setProperty("--at", `${100 * step / Math.max(count() - 1, 1)}%`);
    range.setAttribute("aria-valuetext", `${label.date} ${label.time}`);
    $(".past").setAttribute("d", area(step));
  };
  const go = (step) => { show(step); model.step = step; };
  // The next step waits until the map shows this one: a slow machine plays slower, it does not queue.
  const tick = () => {
    if (!playing) return;
    if (model.shown === model.step || performance.now() - waiting > 4000) { waiting = performance.now(); go((model.step + 1) % count()); }
  };
  const run = (on) => {
    playing = on; clearInterval(timer); waiting = performance.now();
    if (on) timer = setInterval(tick, 1000 / (PACE * model.speed));
    play.innerHTML = on ? PAUSE : PLAY;
    const name = on ? model.texts.pause : model.texts.play;
    play.setAttribute("aria-label", name); play.title = name;
  };
  play.onclick = () => { model.playing = !playing; };
  speed.onclick = () => { model.speed = SPEEDS[(SPEEDS.indexOf(model.speed) + 1) % SPEEDS.length]; };
  range.oninput = () => { model.playing = false; go(Number(range.value)); };
  model.on("playing", () => run(model.playing));
  model.on("speed", () => { draw(); run(playing); });
  const draw = () => {
    el.firstElementChild.hidden = count() < 2;
    range.max = Math.max(count() - 1, 0);
    range.setAttribute("aria-label", model.texts.time);
    speed.textContent = `${model.speed}×`; speed.title = model.texts.faster;
    speed.setAttribute("aria-label", `${model.texts.faster}: ${model.speed}×`);
    $(".caption").textContent = model.caption;
    $(".area").setAttribute("d", area(model.profile.length - 1));
    const every = Math.max(1, Math.round(count() / 8));
    $(".marks").replaceChildren(...model.labels.flatMap((label, i) => {
      if (i % every) return [];
      const mark = document.createElement("span");
      mark.textContent = label.time; mark.style.left = `${100 * i / Math.max(count() - 1, 1)}%`;
      return [mark];
    }));
    show(model.step);
  };
  for (const name of ["labels", "texts", "profile", "caption"]) model.on(name, () => { draw(); run(playing); });
  model.on("step", () => show(model.step));
  draw(); run(model.playing);
  return () => clearInterval(timer);
}
