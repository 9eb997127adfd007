(ui, data) => {
  const { element, number, part, rgb, ink, signed } = ui;
  const W = data.weights,
    UNITS = W.out.length;
  // The drawing's own units: a column for each letter, a cell in it with a box for each number of the state.
  const COLUMN = 66,
    SIDE = 50,
    TALL = 27,
    TOP = 78,
    LEFT = 74,
    FOOT = TOP + UNITS * TALL;
  const dot = (row, vector) => row.reduce((sum, weight, k) => sum + weight * vector[k], 0);

  // The states after each letter, and each time the probability that the name is male.
  function read(name) {
    let h = Array(UNITS).fill(0);
    const steps = [];
    for (const letter of name) {
      const place = letter.charCodeAt(0) - 97;
      const input = W.weight_ih.map((row) => row[place]),
        state = W.weight_hh.map((row) => dot(row, h)),
        bias = W.bias_ih.map((b, i) => b + W.bias_hh[i]);
      h = input.map((a, i) => Math.tanh(a + state[i] + bias[i]));
      steps.push({ letter, input, state, bias, h, male: 1 / (1 + Math.exp(-dot(W.out, h) - W.out_bias)) });
    }
    return steps;
  }
  const percent = (share) => `${Math.round(100 * share)} %`;

  ui.hint.textContent =
    "Play it, or take one step at a time. All cells are the same cell: the same weights at each letter. Choose a name, or type one of your own.";
  const choice = ui.select(
    "name",
    "A test name",
    data.names.map((name) => [name, name]),
    data.names[0],
  );
  const controls = choice.parentNode.parentNode;
  const own = element("input", {
    type: "text",
    maxlength: data.longest,
    autocomplete: "off",
    spellcheck: "false",
    style: "width:100%;padding:0 .4rem",
    input: () => {
      const typed = own.value.trim().toLowerCase();
      const good = /^[a-z]{1,9}$/.test(typed);
      own.setAttribute("aria-invalid", typed !== "" && !good);
      own.setAttribute("title", good || !typed ? "" : `1 to ${data.longest} letters from a to z`);
      if (good) ui.set({ name: typed, read: typed.length });
    },
  });
  controls.append(element("label", {}, element("span", {}, "or your own"), own));
  choice.addEventListener("change", () => {
    own.value = "";
    ui.set({ read: 0 });
  });
  const slider = ui.range("read", "Letters read", [0, data.names[0].length], 0);
  const step = (by) => {
    const next = ui.state.read + by;
    if (next < 0 || next > ui.state.name.length) return false;
    ui.set({ read: next });
    return true;
  };
  ui.player(
    "Play",
    (first) => {
      if (first && ui.state.read === ui.state.name.length) {
        ui.set({ read: 0 });
        return true;
      }
      return step(1);
    },
    1500,
  );
  ui.button("◀ Back", () => step(-1));
  ui.button("Step ▶", () => step(1));

  const place = part(ui.body, "div", { class: "gpulab-grid", role: "img" });
  const formula = part(ui.body, "p", { class: "gpulab-formula" });
  const sum = part(ui.body, "p");

  const STYLE = `
    .gpulab-unrolled text { fill: currentColor; text-anchor: middle; }
    .gpulab-unrolled .gu-line { stroke: currentColor; fill: none; stroke-width: 1.6; }
    .gpulab-unrolled .gu-column { opacity: .33; transition: opacity .3s; }
    .gpulab-unrolled .gu-column.gu-done { opacity: 1; }
    .gpulab-unrolled .gu-known { visibility: hidden; }
    .gpulab-unrolled .gu-done .gu-known { visibility: visible; }
    .gpulab-unrolled .gu-ghost { opacity: 0; }
    .gpulab-unrolled .gu-now .gu-letter { animation: gu-rise .65s ease-in; }
    .gpulab-unrolled .gu-now .gu-packet { animation: gu-hand .65s ease-in; }
    .gpulab-unrolled .gu-now .gu-cell { animation: gu-appear .4s .6s backwards; }
    .gpulab-unrolled .gu-now .gu-answer { animation: gu-appear .4s .95s backwards; }
    @keyframes gu-rise { from { opacity: 1; transform: translate(0, 0); } 80% { opacity: 1; } to { opacity: 0; transform: translate(0, -75px); } }
    @keyframes gu-hand { from { opacity: 1; transform: translate(0, 0); } 80% { opacity: 1; } to { opacity: 0; transform: translate(${COLUMN}px, 0); } }
    @keyframes gu-appear { from { opacity: 0; } to { opacity: 1; } }
    @media (prefers-reduced-motion: reduce) {
      .gpulab-unrolled * { animation: none !important; transition: none !important; }
    }`;
  const text = (x, y, words, size = 14, more = "") =>
    `<text x="${x}" y="${y}" font-size="${size}" ${more}>${words}</text>`;
  const right = (x, y, length) => `<path class="gu-line" d="M${x} ${y}h${length}m-6 -5l6 5l-6 5"/>`;
  const up = (x, y, length) => `<path class="gu-line" d="M${x} ${y}v${-length}m-5 6l5 -6l5 6"/>`;
  // The numbers of a state as colored boxes; `written` adds the numbers.
  const boxes = (h, x, written) =>
    h
      .map((value, i) => {
        const color = signed(value),
          y = TOP + i * TALL;
        return (
          `<rect x="${x}" y="${y}" width="${SIDE}" height="${TALL}" fill="${rgb(color)}" stroke="#858585"/>` +
          (written ? text(x + SIDE / 2, y + 19, number(value), 15, `style="fill:${ink(color)}"`) : "")
        );
      })
      .join("");
  const frame = (x) => `<rect class="gu-line" x="${x}" y="${TOP}" width="${SIDE}" height="${UNITS * TALL}" rx="2"/>`;

  function column({ letter, h, male }, t, before) {
    const x = LEFT + t * COLUMN,
      middle = x + SIDE / 2,
      tall = 34 * male;
    const bar =
      `<rect x="${x + 8}" y="18" width="${SIDE - 16}" height="34" fill="none" stroke="#858585"/>` +
      `<rect x="${x + 8}" y="${52 - tall}" width="${SIDE - 16}" height="${tall}" fill="#0072b2"/>`;
    return (
      `<g class="gu-column">` +
      `<g class="gu-known gu-answer">${text(middle, 12, percent(male), 13)}${bar}${up(middle, TOP - 3, 17)}</g>` +
      frame(x) +
      `<g class="gu-known gu-cell">${boxes(h, x, true)}</g>` +
      right(x - COLUMN + SIDE + 2, TOP + (UNITS * TALL) / 2, COLUMN - SIDE - 4) +
      up(middle, FOOT + 24, 20) +
      text(middle, FOOT + 46, letter, 22, 'font-weight="600"') +
      `<g class="gu-ghost gu-letter">${text(middle, FOOT + 46, letter, 22, 'font-weight="600"')}</g>` +
      `<g class="gu-ghost gu-packet">${boxes(before, x - COLUMN, false)}</g></g>`
    );
  }

  let drawn = "",
    shown = 0;
  function draw(name, steps) {
    const wide = LEFT + Math.max(5, name.length) * COLUMN,
      high = FOOT + 56,
      zero = Array(UNITS).fill(0),
      x = LEFT - COLUMN;
    const start = `${boxes(zero, x, true)}${text(x + SIDE / 2, TOP - 8, "start", 14)}${text(x + SIDE / 2, 32, "male", 13)}${text(x + SIDE / 2, 48, "name?", 13)}`;
    const columns = steps.map((now, t) => column(now, t, t ? steps[t - 1].h : zero));
    place.innerHTML =
      `<svg class="gpulab-unrolled" viewBox="0 0 ${wide} ${high}" style="max-width:${wide * 1.15}px" aria-hidden="true">` +
      `<style>${STYLE}</style>${start}${columns.join("")}</svg>`;
    drawn = name;
    shown = 0;
  }

  ui.compute = ({ name }) => read(name).map(({ h, male }) => [...h, male]);
  ui.picture = (state) => {
    const { name } = state,
      steps = read(name);
    if (name !== drawn) draw(name, steps);
    slider.max = name.length;
    state.read = Math.min(state.read, name.length);
    const t = state.read;
    [...place.querySelectorAll(".gu-column")].forEach((cell, k) => {
      cell.classList.toggle("gu-done", k < t);
      cell.classList.toggle("gu-now", k === t - 1 && t === shown + 1);
    });
    shown = t;
    const seen = name.slice(0, t),
      now = steps[t - 1];
    const said = now
      ? `After “${seen}” the state is (${now.h.map((value) => number(value)).join(", ")}).`
      : `Nothing has been read yet: the state is (${Array(UNITS).fill(0).join(", ")}).`;
    place.setAttribute(
      "aria-label",
      `A recurrent network, unrolled over the ${name.length} letters of ${name}: one cell for each letter, an arrow from each cell to the next. ${said}`,
    );
    formula.innerHTML = `h<sub>${t || "t"}</sub> = tanh(W<sub>x</sub> x<sub>${t || "t"}</sub> + W<sub>h</sub> h<sub>${t ? t - 1 : "t−1"}</sub> + b)`;
    const signedNumber = (value) => `${value < 0 ? "−" : "+"} ${number(Math.abs(value))}`;
    sum.innerHTML = now
      ? `Its first number: tanh(${number(now.input[0])} ${signedNumber(now.state[0])} ${signedNumber(now.bias[0])}) = <b>${number(now.h[0])}</b>: what the letter adds, what the state before adds, and the bias.`
      : "In each cell: what the letter adds, what the state before adds, and the bias.";
    if (!now) return said;
    const end = t === name.length;
    return (
      `${said} From it the network computes ${percent(now.male)} for a male name.` +
      (end ? ` The name is at its end: the answer is ${now.male > 0.5 ? "male" : "female"}.` : "")
    );
  };
};
