// Small charts as SVG: bars of a histogram or of classes, each a button that filters; a profile along a line.
const SVG = "http://www.w3.org/2000/svg";
const shape = (tag, attributes = {}, ...children) => {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};
function histogram({bins, edges}, {label, chosen, onchoose}) {
  const width = 330, height = 96, most = Math.max(...bins, 1), step = width / bins.length;
  const picture = shape("svg", {viewBox: `0 0 ${width} ${height + 16}`, class: "bars", role: "group", "aria-label": label});
  bins.forEach((count, index) => {
    const tall = count / most * (height - 6), range = `${decimals(edges[index])} – ${decimals(edges[index + 1])}`;
    const bar = shape("g", {role: "button", tabindex: 0, "aria-label": `${range}: ${count}`, "aria-pressed": String(chosen === index), "data-bar": index},
      shape("rect", {x: index * step, y: 0, width: step - 2, height, fill: "transparent"}),
      shape("rect", {class: "bar", x: index * step, y: height - tall, width: step - 2, height: Math.max(tall, count ? 2 : 0), rx: 2}));
    bar.append(shape("title", {}, `${range}: ${count}`));
    bar.onclick = () => onchoose(index);
    bar.onkeydown = (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); onchoose(index); } };
    picture.append(bar);
  });
  const first = shape("text", {x: 0, y: height + 13}), last = shape("text", {x: width, y: height + 13, "text-anchor": "end"});
  first.textContent = decimals(edges[0]); last.textContent = decimals(edges[edges.length - 1]);
  picture.append(first, last);
  return picture;
}
function classBars(counts, {chosen, onchoose, nothing}) {
  const most = Math.max(...counts.map(([, count]) => count), 1);
  return make("div", {class: "classes"}, ...counts.map(([name, count]) => {
    const row = make("button", {class: "classbar small", "aria-pressed": String(chosen.includes(name)), "data-class": name}, make("span", {class: "label"}, name || nothing), make("span", {class: "track"}, make("i")), make("span", {class: "num"}, String(count)));
    row.querySelector("i").style.width = `${count / most * 100}%`;
    row.onclick = () => onchoose(name);
    return row;
  }));
}
