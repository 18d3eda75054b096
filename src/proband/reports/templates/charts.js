// Draws every figure from the specification beside it, and again when the reader's light changes.
(async () => {
  const look = __LOOK__;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const figures = [...document.querySelectorAll("[data-figure]")];
  const views = new Map();

  function dressed(text) {
    if (!dark.matches) return JSON.parse(text);
    for (const [name, colour] of Object.entries(look.light)) text = text.replaceAll(colour, look.dark[name]);
    return JSON.parse(text);
  }

  async function draw(figure) {
    const drawing = figure.querySelector(".drawing");
    const source = figure.querySelector("script[type='application/json']");
    views.get(figure)?.finalize();
    // `ast` evaluates expressions without compiling code, which this page's policy forbids.
    views.set(figure, await vegaEmbed(drawing, dressed(source.textContent), {
      mode: "vega-lite", renderer: "svg", actions: false, ast: true,
      config: dressed(JSON.stringify(look.config)),
      tooltip: { theme: dark.matches ? "dark" : "light" },
    }));
  }

  async function drawAll() {
    let drawn = 0;
    for (const figure of figures) {
      try {
        await draw(figure);
        drawn += 1;
      } catch (error) {
        figure.querySelector(".drawing").textContent = "This figure could not be drawn; its table holds the numbers.";
        console.error(error);
      }
    }
    document.documentElement.dataset.drawn = drawn;
  }

  dark.addEventListener("change", drawAll);
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  await drawAll();
})();
