const ICONS = {
  home: '<svg width="18" height="18" viewBox="0 0 24 24"><path d="M4 11l8-7 8 7M6 10v10h12V10"/></svg>',
  dark: '<svg width="18" height="18" viewBox="0 0 24 24"><path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z"/></svg>',
  light: '<svg width="18" height="18" viewBox="0 0 24 24"><circle cx="12" cy="12" r="4.2"/><path d="M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4"/></svg>',
};
export function render({model, el}) {
  el.innerHTML = `<div class="bar">
    <div class="card brand"><span class="mark" aria-hidden="true"><i></i><i></i><i></i></span>
      <div class="names"><h1></h1><span class="muted small"></span></div></div>
    <div class="card tools"><button class="icon home">${ICONS.home}</button><button class="icon theme"></button>
      <div class="langs" role="group"><button data-lang="en" lang="en">EN</button><button data-lang="zh" lang="zh">中文</button></div></div></div>`;
  const $ = (selector) => el.querySelector(selector);
  $(".home").onclick = () => { model.home += 1; };
  $(".theme").onclick = () => { model.theme = model.theme === "dark" ? "light" : "dark"; };
  el.querySelectorAll("[data-lang]").forEach((button) => { button.onclick = () => { model.language = button.dataset.lang; }; });
  const draw = () => {
    const {texts, language, theme} = model;
    document.documentElement.dataset.theme = theme;
    document.documentElement.lang = language;
    document.title = `${model.heading} · ${texts.app}`;
    $("h1").textContent = model.heading;
    $(".names span").textContent = texts.app;
    $(".home").title = texts.reset_view; $(".home").setAttribute("aria-label", texts.reset_view);
    const other = theme === "dark" ? "light" : "dark";
    $(".theme").innerHTML = ICONS[other];
    $(".theme").title = texts[`theme_${other}`]; $(".theme").setAttribute("aria-label", texts[`theme_${other}`]);
    $(".langs").setAttribute("aria-label", texts.language);
    el.querySelectorAll("[data-lang]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.lang === language)));
  };
  for (const name of ["texts", "heading", "theme", "language"]) model.on(name, draw);
  draw();
  if (window.innerWidth < 900) model.narrow = true;
}
