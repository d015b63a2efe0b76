export function render({model, el}) {
  const line = document.createElement("div");
  line.className = "line";
  el.replaceChildren(line);
  const draw = () => {
    line.textContent = `${model.texts.attribution}: ${model.credits.join("  ·  ")}`;
    line.title = line.textContent;
  };
  model.on("credits", draw); model.on("texts", draw);
  draw();
}
