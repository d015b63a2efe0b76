const ICONS = {
  home: '<svg width="18" height="18" viewBox="0 0 24 24"><path d="M4 11l8-7 8 7M6 10v10h12V10"/></svg>',
  link: '<svg width="18" height="18" viewBox="0 0 24 24"><path d="M10 14a4.500 4.500 0 0 0 6.500.3l3-3a4.500 4.500 0 0 0-6.400-6.400L11.500 6.500M14 10a4.500 4.500 0 0 0-6.500-.3l-3 3a4.500 4.500 0 0 0 6.400 6.400l1.600-1.600"/></svg>',
  close: '<svg width="16" height="16" viewBox="0 0 24 24"><path d="M6 6l12 12M18 6L6 18"/></svg>',
  dark: '<svg width="18" height="18" viewBox="0 0 24 24"><path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z"/></svg>',
  light: '<svg width="18" height="18" viewBox="0 0 24 24"><circle cx="12" cy="12" r="4.2"/><path d="M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4"/></svg>',
};
const VIEWS = ["explore", "operate", "trust"];
const WAIT_MS = 400;  // Browsers refuse more than some hundred addresses in half a minute.
const NOTE_MS = 12000;
const viewOf = (path) => path.split("?")[0].split("/").pop();
// The address bar follows the state; a change of view is a step that the browser can go back.
function follow(model) {
  let timer = null, written = null;
  const root = location.pathname.replace(/[^/]*$/, "");
  const write = (path) => {
    clearTimeout(timer); timer = null;
    const former = viewOf(written ?? location.pathname) || VIEWS[0];
    if (path === written || (written === null && path === VIEWS[0] && !location.search)) { written = path; return; }
    // What the page was opened with is not a step back of its own.
    if (written !== null && viewOf(path) !== former) history.pushState(null, "", root + path);
    else history.replaceState(null, "", root + path);
    written = path;
  };
  const changed = () => {
    const path = model.path;
    if (written !== null && viewOf(path) !== viewOf(written)) write(path);
    else timer ??= setTimeout(() => write(model.path), WAIT_MS);
  };
  const back = () => {
    clearTimeout(timer); timer = null;
    written = viewOf(location.pathname) + location.search;
    model.visited = {view: viewOf(location.pathname), query: location.search, at: performance.now()};
  };
  model.on("path", changed);
  window.addEventListener("popstate", back);
  if (model.path !== VIEWS[0] || location.search) write(model.path); else written = model.path;
  return {now: () => { write(model.path); return location.href; }, stop: () => { clearTimeout(timer); window.removeEventListener("popstate", back); }};
}
async function copy(text) {
  try { await navigator.clipboard.writeText(text); return; } catch { /* Not offered, or not allowed, on this page. */ }
  const area = document.createElement("textarea");
  area.value = text; area.style.position = "fixed"; area.style.opacity = "0";
  document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
}
export function render({model, el}) {
  el.innerHTML = `<div class="bar">
    <div class="card brand"><span class="mark" aria-hidden="true"><i></i><i></i><i></i></span>
      <div class="names"><h1></h1><span class="muted small"></span></div>
      <nav>${VIEWS.map((view) => `<a data-view="${view}"></a>`).join("")}</nav></div>
    <button class="card icon leave">${ICONS.close}</button><div class="card tools"><button class="icon link">${ICONS.link}</button><button class="icon home">${ICONS.home}</button><button class="icon theme"></button>
      <div class="langs" role="group"><button data-lang="en" lang="en">EN</button><button data-lang="zh" lang="zh">中文</button></div></div></div>
    <div class="card note small" role="status" hidden><span></span><button class="icon">${ICONS.close}</button></div>`;
  const $ = (selector) => el.querySelector(selector);
  const link = follow(model);
  let hush = null;
  const say = (text) => {
    clearTimeout(hush);
    $(".note").hidden = !text; $(".note span").textContent = text;
    if (text) hush = setTimeout(() => say(""), NOTE_MS);
  };
  $(".note button").onclick = () => say("");
  $(".home").onclick = () => { model.home += 1; };
  $(".link").onclick = async () => { await copy(link.now()); say(model.texts.link_copied); };
  $(".theme").onclick = () => { model.theme = model.theme === "dark" ? "light" : "dark"; };
  el.querySelectorAll("[data-lang]").forEach((button) => { button.onclick = () => { model.language = button.dataset.lang; }; });
  el.querySelectorAll("[data-view]").forEach((anchor) => {
    anchor.onclick = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;  // A new tab, by the link itself.
      event.preventDefault();
      model.view = anchor.dataset.view;
    };
  });
  $(".leave").onclick = () => { model.kiosk = false; };
  const leave = (event) => { if (event.key === "Escape" && model.kiosk) model.kiosk = false; };
  window.addEventListener("keydown", leave);
  const aim = () => {
    const query = model.path.split("?")[1];
    el.querySelectorAll("[data-view]").forEach((anchor) => { anchor.href = query ? `${anchor.dataset.view}?${query}` : anchor.dataset.view; });
  };
  const draw = () => {
    const {texts, language, theme, view} = model;
    Object.assign(document.documentElement.dataset, {theme, view, kiosk: model.kiosk ? "yes" : "no"});
    document.documentElement.lang = language;
    document.title = `${model.heading} · ${texts[`view_${view}`]} · ${texts.app}`;
    el.firstElementChild.classList.toggle("kiosk", model.kiosk);
    $("h1").textContent = model.heading;
    document.getElementById("map").setAttribute("aria-label", model.heading);
    $(".names span").textContent = texts.app;
    $("nav").setAttribute("aria-label", texts.views);
    el.querySelectorAll("[data-view]").forEach((anchor) => {
      anchor.textContent = texts[`view_${anchor.dataset.view}`];
      if (anchor.dataset.view === view) anchor.setAttribute("aria-current", "page"); else anchor.removeAttribute("aria-current");
    });
    for (const [name, text] of [["home", texts.reset_view], ["link", texts.copy_link], ["leave", texts.leave_kiosk]]) {
      $(`.${name}.icon`).title = text; $(`.${name}.icon`).setAttribute("aria-label", text);
    }
    $(".note button").setAttribute("aria-label", texts.close);
    const other = theme === "dark" ? "light" : "dark";
    $(".theme").innerHTML = ICONS[other];
    $(".theme").title = texts[`theme_${other}`]; $(".theme").setAttribute("aria-label", texts[`theme_${other}`]);
    $(".langs").setAttribute("aria-label", texts.language);
    el.querySelectorAll("[data-lang]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.lang === language)));
  };
  for (const name of ["texts", "heading", "theme", "language", "view", "kiosk"]) model.on(name, draw);
  model.on("note", () => say(model.note));
  model.on("path", aim);
  draw(); aim(); say(model.note);
  if (window.innerWidth < 900) model.narrow = true;
  return () => { link.stop(); clearTimeout(hush); window.removeEventListener("keydown", leave); };
}
