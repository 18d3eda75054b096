// Plays societies: frames are a byte for each agent or place, deflated; 255 is nobody.
(async () => {
  const NOBODY = 255;
  const MOST = 12;  // events listed at once
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  async function bytes(text) {
    const raw = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const open = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(open).arrayBuffer());
  }

  function made(kind, into, text = "") {
    const element = document.createElement(kind);
    element.textContent = text;
    into.append(element);
    return element;
  }

  async function play(figure) {
    const told = JSON.parse(figure.querySelector("script").textContent);
    const life = told.lives ? JSON.parse(new TextDecoder().decode(await bytes(told.lives))) : null;
    const size = told.is_grid ? told.width * told.height : told.nodes.length;
    for (const way of told.ways) {
      way.bytes = await bytes(way.frames);
      for (const tie of way.ties) tie.ends = new Uint16Array((await bytes(tie.pairs)).buffer);
    }
    const canvas = made("canvas", figure);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", figure.querySelector("figcaption").textContent);
    const pen = canvas.getContext("2d");
    const player = made("div", figure);
    player.className = "player";
    const button = made("button", player, "Play");
    button.type = "button";
    const slider = made("input", player);
    slider.type = "range";
    slider.min = 0;
    slider.setAttribute("aria-label", "Round");
    const where = made("output", player);
    const arms = told.ways.length > 1 ? made("select", player) : null;
    if (arms) {
      arms.setAttribute("aria-label", "Arm");
      told.ways.forEach((way, k) => { made("option", arms, way.name).value = k; });
    }
    const legend = made("ul", figure);
    const label = made("label", figure, "Follow agent ");
    const who = made("select", label);
    made("option", who, "nobody").value = -1;
    told.nodes.forEach((number, k) => { made("option", who, number).value = k; });
    const about = made("p", figure);
    about.className = "small";
    about.setAttribute("aria-live", "polite");
    label.hidden = told.nodes.length === 0;
    const lived = made("div", figure);
    lived.className = "lived";
    let way = told.ways[0];
    let chosen = -1;
    let timer = 0;

    const ink = (code) => told.colours[code][dark.matches ? 1 : 0];
    const named = (code) => code === NOBODY ? "nobody" : told.levels.length ? told.levels[code]
      : (told.low + (told.high - told.low) * code / (told.colours.length - 1)).toPrecision(3);
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
    const near = 14;  // px of room around a network
    const spot = (k) => [near + told.places[k][0] / told.width * (canvas.clientWidth - 2 * near),
                         near + told.places[k][1] / told.height * (canvas.clientHeight - 2 * near)];

    function drawGrid(frame) {
      const side = Math.max(1, Math.floor(canvas.width / told.width));
      canvas.width = side * told.width;
      canvas.height = side * told.height;
      frame.forEach((code, k) => {
        if (code === NOBODY) return;
        pen.fillStyle = ink(code);
        pen.fillRect((k % told.width) * side, Math.floor(k / told.width) * side, side, side);
      });
    }

    function drawNetwork(frame, round) {
      const ratio = window.devicePixelRatio || 1;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      const ties = way.ties.filter((tie) => tie.round <= round).at(-1);
      pen.strokeStyle = colour("--muted");
      pen.globalAlpha = ties && ties.ends.length > 4000 ? 0.12 : 0.3;
      pen.lineWidth = 0.7;
      pen.beginPath();
      for (let k = 0; ties && k < ties.ends.length; k += 2) {
        pen.moveTo(...spot(ties.ends[k]));
        pen.lineTo(...spot(ties.ends[k + 1]));
      }
      pen.stroke();
      pen.globalAlpha = 1;
      const radius = frame.length > 300 ? 3 : frame.length > 80 ? 4.5 : 6.5;
      frame.forEach((code, k) => {
        const [x, y] = spot(k);
        pen.beginPath();
        pen.arc(x, y, k === chosen ? radius + 2 : radius, 0, 7);
        pen.fillStyle = code === NOBODY ? colour("--page") : ink(code);
        pen.fill();
        pen.lineWidth = k === chosen ? 2.5 : 0.7;
        pen.strokeStyle = k === chosen ? colour("--ink") : code === NOBODY ? colour("--muted") : colour("--page");
        pen.stroke();
      });
    }

    function draw() {
      const at = Number(slider.value);
      const frame = way.bytes.subarray(at * size, (at + 1) * size);
      canvas.width = canvas.clientWidth * (window.devicePixelRatio || 1);
      canvas.style.aspectRatio = `${told.width} / ${told.height}`;
      canvas.height = canvas.width * told.height / told.width;
      if (told.is_grid) drawGrid(frame); else drawNetwork(frame, way.rounds[at]);
      where.textContent = `round ${way.rounds[at]}`;
      legend.replaceChildren();
      const count = new Map();
      frame.forEach((code) => count.set(code, (count.get(code) || 0) + 1));
      if (told.levels.length) {
        told.levels.forEach((name, code) => {
          const line = made("li", legend);
          made("i", line).style.background = ink(code);
          line.append(`${name}: ${(count.get(code) || 0).toLocaleString("en")}`);
        });
      } else {
        const line = made("li", legend, `${named(0)} `);
        const last = told.colours.length - 1;
        const bar = made("i", line);
        bar.className = "scale";
        bar.style.background = `linear-gradient(to right, ${ink(0)}, ${ink(last)})`;
        line.append(named(last));
      }
      const state = told.is_grid || chosen < 0 ? "" : `Agent ${told.nodes[chosen]}: ${named(frame[chosen])}`;
      about.textContent = chosen >= 0 ? state : told.nodes.length ? "Choose an agent to follow it." : "";
      tell(way.rounds[at]);
    }

    // What happened in a round: to everybody, or to who is followed, with what it was asked.
    function tell(round) {
      lived.replaceChildren();
      if (!life) return;
      const number = chosen < 0 ? -1 : told.nodes[chosen];
      const words = (k) => life.words[k];
      const isOurs = ([at, arm]) => way.past.some(([name, end]) => name === arm && at < end);
      const asked = chosen < 0 ? [] : (life.asked[number] || []).filter(isOurs);
      const now = asked.filter(([at]) => at === round);
      const event = ([, kind, agent, target, text, place]) => {
        const people = [agent, target].filter((one) => one >= 0).join(" \u2192 ");
        return [people && `agent ${people}`, words(kind), place !== undefined && words(place) && `(${words(place)})`,
                words(text) && `\u201c${words(text)}\u201d`].filter(Boolean).join(" ");
      };
      const happened = life.events[way.arm].filter(([at, , agent, target]) =>
        at === round && (number < 0 || agent === number || target === number));
      if (now.length) made("p", lived, `Asked in round ${round}:`);
      for (const [, , item, prompt, answer] of now) {
        const details = made("details", lived);
        made("summary", details, `${words(item)}: ${words(answer)}`);
        made("pre", details, words(prompt));
      }
      if (chosen >= 0 && !now.length) {
        made("p", lived, !asked.length ? "It was never asked itself, or its answers are not in this page."
          : `Not asked in round ${round}; asked in ${[...new Set(asked.map(([at]) => at))].join(", ")}.`).className = "small";
      }
      const kept = chosen < 0 ? [] : life.memories[way.arm].filter(([at, agent]) => at <= round && agent === number);
      if (kept.length) {
        const details = made("details", lived);
        made("summary", details, `It remembers ${kept.length.toLocaleString("en")} things, the latest first`);
        const list = made("ol", details);
        for (const [at, , kind, text] of kept.slice(-MOST).reverse()) {
          made("li", list, `round ${at}, ${words(kind)}: \u201c${words(text)}\u201d`);
        }
        if (kept.length > MOST) made("p", details, `and ${kept.length - MOST} more`).className = "small";
      }
      if (happened.length) {
        made("p", lived, `What happened in round ${round}:`);
        const list = made("ol", lived);
        for (const one of happened.slice(0, MOST)) made("li", list, event(one));
        if (happened.length > MOST) made("p", lived, `and ${happened.length - MOST} more`).className = "small";
      }
    }

    function stop() {
      clearInterval(timer);
      timer = 0;
      button.textContent = "Play";
    }

    function step() {
      if (Number(slider.value) >= Number(slider.max)) return stop();
      slider.value = Number(slider.value) + 1;
      draw();
    }

    button.addEventListener("click", () => {
      if (timer) return stop();
      if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
      timer = setInterval(step, still.matches ? 1500 : Math.max(60, Math.min(600, 8000 / way.rounds.length)));
      button.textContent = "Stop";
    });
    slider.addEventListener("input", draw);
    arms?.addEventListener("change", () => {
      const round = way.rounds[slider.value];
      way = told.ways[arms.value];
      slider.max = way.rounds.length - 1;
      slider.value = Math.max(0, way.rounds.findLastIndex((other) => other <= round));
      draw();
    });
    function follow(k) {
      chosen = k;
      who.value = k;
      draw();
    }
    who.addEventListener("change", () => follow(Number(who.value)));
    canvas.addEventListener("click", (event) => {
      if (told.is_grid) return;
      const far = told.nodes.map((_, k) => Math.hypot(spot(k)[0] - event.offsetX, spot(k)[1] - event.offsetY));
      const nearest = far.indexOf(Math.min(...far));
      follow(far[nearest] < 20 ? nearest : -1);
    });
    dark.addEventListener("change", draw);
    window.addEventListener("resize", draw);
    slider.max = way.rounds.length - 1;
    slider.value = slider.max;
    canvas.style.aspectRatio = `${told.width} / ${told.height}`;
    draw();
  }

  let played = 0;
  for (const figure of document.querySelectorAll("[data-replay]")) {
    try {
      await play(figure);
      played += 1;
    } catch (error) {
      made("p", figure, "This replay could not be played here; its table holds the numbers.");
      console.error(error);
    }
  }
  document.documentElement.dataset.played = played;
})();
