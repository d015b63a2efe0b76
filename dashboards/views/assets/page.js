// Takes the splash away once every visible map layer has its data, and lets tests find the map.
window.cityTwin = {
  deck() {
    const walk = (view) => view.deckGL ?? (view.child_views ?? []).map(walk).find(Boolean);
    const roots = window.Bokeh?.index ? Array.from(window.Bokeh.index) : [];
    return roots.map(walk).find(Boolean);
  },
  layers() {
    const deck = this.deck();
    const manager = deck && deck.layerManager;
    return manager ? manager.getLayers().filter((layer) => !layer.parent) : [];
  },
  // How many things a map layer draws: those of its tiles on the screen, or its rows.
  count(id) {
    const layer = this.layers().find((one) => one.id === id);
    return layer?.countThings ? layer.countThings() : layer?.props.data?.length ?? 0;
  },
  ready() {
    const layers = this.layers().filter((layer) => layer.props.visible);
    return layers.length > 0 && layers.every((layer) => layer.isLoaded);
  },
};
(() => {
  const splash = document.getElementById("splash");
  if (!document.createElement("canvas").getContext("webgl2")) {
    splash.classList.add("failed");
    splash.querySelector("span").textContent = splash.dataset.failed;
    return;
  }
  const timer = setInterval(() => {
    if (!window.cityTwin.ready()) return;
    clearInterval(timer);
    requestAnimationFrame(() => requestAnimationFrame(() => {
      splash.classList.add("done");
      document.documentElement.dataset.ready = "yes";
      performance.mark("first-view");
    }));
  }, 40);
})();
