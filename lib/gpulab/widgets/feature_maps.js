(ui, data, makeNetwork, prepareDrawing) => {
  const { number, part, element } = ui;
  const SIDE = 28,
    FINE = 4,
    WIDE = SIDE * FINE,
    PEN = 12;
  // What a unit of each layer sees: pixels, and how far apart two neighbors look.
  const LAYERS = {
    conv1: { maps: 32, side: 26, sees: 3, jump: 1, words: "first convolution" },
    pool1: { maps: 32, side: 13, sees: 4, jump: 2, words: "first pooling" },
    conv2: { maps: 64, side: 11, sees: 8, jump: 2, words: "second convolution" },
    pool2: { maps: 64, side: 5, sees: 10, jump: 4, words: "second pooling" },
    conv3: { maps: 64, side: 3, sees: 18, jump: 4, words: "third convolution" },
  };

  // --- Controls ---
  const { forward, bytes } = makeNetwork(data.layers);
  const prepare = (ink) => prepareDrawing(ink, WIDE, data.center);
  const OWN = "own";
  const digits = data.digits.map((text) => Float32Array.from(bytes(text), (value) => value / 255));
  ui.hint.textContent =
    "Choose a digit or draw one. Then look at the maps, layer by layer; click one to see it large.";
  ui.select(
    "source",
    "Input",
    [...digits.map((_, digit) => [String(digit), `a test digit ${digit}`]), [OWN, "my own drawing"]],
    "3",
  );
  ui.select(
    "layer",
    "Layer",
    Object.entries(LAYERS).map(([name, { side }]) => [name, `${name}, ${side} × ${side}`]),
    "conv1",
  );
  const slider = ui.range("map", "Map", [1, 64], 16);
  Object.assign(ui.state, { pen: [14, 8], down: false, keyed: false }); // the pen that keys move

  const canvas = (parent, side, attributes) => part(parent, "canvas", { width: side, height: side, ...attributes });
  // Colors are packed as a canvas keeps them, four bytes in one number, and made once: a picture has 190,000 points.
  const pack = ([red, green, blue]) => (255 << 24) | (blue << 16) | (green << 8) | red;
  const LEVELS = [...Array(256).keys()];
  const GRAY = LEVELS.map((level) => pack([level, level, level]));
  const SHADES = LEVELS.map((level) => pack(ui.signed(level / 255)));
  const LINE = pack([133, 133, 133]);
  const gray = (share) => GRAY[Math.round(255 * share)];
  const paint = (place, width, height, color) => {
    place.width = width;
    place.height = height;
    const context = place.getContext("2d"),
      image = context.createImageData(width, height);
    const points = new Int32Array(image.data.buffer);
    for (let i = 0; i < points.length; i++) points[i] = color(i);
    context.putImageData(image, 0, 0);
    return context;
  };
  const top = part(ui.body, "div", { class: "gpulab-row gpulab-inputs" });
  const sketch = part(top, "div", { class: "gpulab-narrow" }, element("p", { class: "gpulab-head" }, "Draw here"));
  const paper = canvas(sketch, WIDE, {
    class: "gpulab-paper",
    tabindex: 0,
    role: "application",
    "aria-label": "Drawing area of 28 by 28. Arrow keys move the pen, Space lowers or lifts it, Delete clears.",
  });
  const keys = part(sketch, "p", { class: "gpulab-note" }, "Keys: arrows move the pen, Space lowers or lifts it.");
  part(
    sketch,
    "button",
    {
      type: "button",
      click: () => {
        clear();
        ui.draw();
      },
    },
    "Clear",
  );
  const seen = part(
    top,
    "div",
    { class: "gpulab-narrow" },
    element("p", { class: "gpulab-head" }, "What the network sees"),
  );
  const eye = canvas(seen, SIDE, { class: "gpulab-eye", role: "img" });
  const answers = part(
    top,
    "div",
    { class: "gpulab-answers" },
    element("p", { class: "gpulab-head" }, "What it answers"),
  );
  const bars = digits.map((_, digit) => {
    const fill = element("span", { class: "gpulab-fill" }),
      percent = element("span");
    part(
      answers,
      "div",
      { class: "gpulab-bar" },
      element("span", {}, digit),
      element("span", { class: "gpulab-track" }, fill),
      percent,
    );
    return { fill, percent };
  });
  const middle = part(ui.body, "div", { class: "gpulab-row" });
  const all = part(middle, "div"),
    allHead = part(all, "p", { class: "gpulab-head" });
  const sheet = canvas(all, 1, {
    class: "gpulab-sheet",
    role: "img",
    click: (event) => {
      const { maps, side } = LAYERS[ui.state.layer],
        sides = sheet.getBoundingClientRect();
      const at = (offset, size, cells) => Math.min(cells - 1, Math.floor((offset / size) * cells));
      const row = at(event.clientY - sides.top, sides.height, maps / 8),
        column = at(event.clientX - sides.left, sides.width, 8);
      ui.set({ map: row * 8 + column + 1 });
    },
  });
  const one = part(middle, "div"),
    oneHead = part(one, "p", { class: "gpulab-head" });
  const large = canvas(one, 1, { class: "gpulab-large", role: "img" });
  const note = part(one, "p", { class: "gpulab-note" });
  part(
    ui.body,
    "p",
    { class: "gpulab-note" },
    "A drawing is treated as the data was: it is fitted into 20 × 20 pixels, " +
      "its ink is centered in 28 × 28, and the darkest pixel counts as 1.",
  );

  // --- Drawing with a pointer or with keys ---
  const board = element("canvas", { width: WIDE, height: WIDE }).getContext("2d", { willReadFrequently: true });
  Object.assign(board, { lineWidth: PEN, lineCap: "round", lineJoin: "round" });
  const clear = () => board.clearRect(0, 0, WIDE, WIDE);
  function stroke([y0, x0], [y1, x1]) {
    board.beginPath();
    board.moveTo(x0, y0);
    board.lineTo(x1 + 0.01, y1);
    board.stroke();
  }
  const fine = ([row, column]) => [(row + 0.5) * FINE, (column + 0.5) * FINE];
  let last = null;
  const point = (event) => {
    const sides = paper.getBoundingClientRect();
    return [((event.clientY - sides.top) / sides.height) * WIDE, ((event.clientX - sides.left) / sides.width) * WIDE];
  };
  paper.addEventListener("pointerdown", (event) => {
    last = point(event);
    ui.state.keyed = false;
    paper.setPointerCapture?.(event.pointerId);
    stroke(last, last);
    ui.draw();
  });
  paper.addEventListener("pointermove", (event) => {
    if (!last) return;
    stroke(last, (last = point(event)));
    ui.draw();
  });
  for (const end of ["pointerup", "pointercancel"])
    paper.addEventListener(end, () => {
      last = null;
    });
  paper.addEventListener("keydown", (event) => {
    const { pen } = ui.state;
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (steps) {
      const next = pen.map((value, axis) => Math.max(0, Math.min(SIDE - 1, value + steps[axis])));
      if (ui.state.down) stroke(fine(pen), fine(next));
      ui.state.pen = next;
    } else if (event.key === " ") {
      ui.state.down = !ui.state.down;
      if (ui.state.down) stroke(fine(pen), fine(pen));
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
    } else return;
    ui.state.keyed = true;
    event.preventDefault();
    ui.draw();
  });
  for (const change of ["focus", "blur"]) paper.addEventListener(change, () => ui.draw());
  function ink() {
    const { data: colors } = board.getImageData(0, 0, WIDE, WIDE);
    return Float32Array.from({ length: WIDE * WIDE }, (_, place) => colors[4 * place + 3] / 255);
  }

  ui.compute = (pixels) => [...forward(Float32Array.from(pixels)).logits];
  ui.prepare = (values) => [...prepare(Float32Array.from(values))];
  ui.picture = (state) => {
    const { maps, side, sees, jump, words } = LAYERS[state.layer],
      own = state.source === OWN;
    state.map = Math.min(state.map, maps);
    slider.max = maps;
    sketch.hidden = !own;
    const drawn = own ? ink() : null,
      pixels = own ? prepare(drawn) : digits[state.source];
    const empty = !pixels.some((value) => value > 0);
    const results = (ui.result = forward(pixels)),
      values = results[state.layer];

    if (own) {
      const context = paint(paper, WIDE, WIDE, (i) => gray(1 - drawn[i]));
      if (document.activeElement === paper && (state.keyed || paper.matches(":focus-visible"))) {
        const [y, x] = fine(state.pen);
        Object.assign(context, { strokeStyle: "#d1007a", lineWidth: 2, fillStyle: "#d1007a" });
        context.beginPath();
        context.arc(x, y, PEN / 2, 0, 7);
        state.down ? context.fill() : context.stroke();
      }
      keys.textContent = `Keys: arrows move the pen, Space ${state.down ? "lifts" : "lowers"} it. The pen is ${state.down ? "down" : "up"}.`;
    }

    // All maps of a layer share one scale, so that a strong map looks strong.
    let most = 1e-9,
      strongest = 0;
    const map = values.subarray((state.map - 1) * side * side, state.map * side * side);
    for (const value of values) most = Math.max(most, value);
    map.forEach((value, place) => {
      if (value > map[strongest]) strongest = place;
    });
    const shade = (value) => SHADES[Math.round((255 * value) / most)];
    // Each value is a square of `zoom` points, so that the lines between small maps are no wider than between large ones.
    const zoom = Math.max(1, Math.floor(52 / side)),
      step = side * zoom + 2,
      columns = 8 * step + 2;
    const picture = paint(sheet, columns, (maps / 8) * step + 2, (i) => {
      const y = Math.floor(i / columns),
        x = i % columns;
      if (y % step < 2 || x % step < 2) return LINE;
      const place = Math.floor(y / step) * 8 + Math.floor(x / step);
      const row = Math.floor(((y % step) - 2) / zoom),
        column = Math.floor(((x % step) - 2) / zoom);
      return shade(values[(place * side + row) * side + column]);
    });
    picture.strokeStyle = "#d1007a";
    picture.lineWidth = 4;
    picture.strokeRect(((state.map - 1) % 8) * step + 1, Math.floor((state.map - 1) / 8) * step + 1, step, step);
    allHead.textContent = `All ${maps} maps of the ${words}, on one scale`;
    sheet.setAttribute(
      "aria-label",
      `${maps} feature maps of ${side} by ${side}, white where there is no answer, purple where there is.`,
    );

    paint(large, side, side, (i) => shade(map[i]));
    const row = Math.floor(strongest / side),
      column = strongest % side,
      silent = map[strongest] === 0;
    oneHead.textContent = `Map ${state.map}`;
    large.setAttribute("aria-label", `Map ${state.map}, ${side} by ${side}.`);
    note.textContent = silent
      ? "This map is silent: it is zero everywhere."
      : `Its strongest answer is ${number(map[strongest])}, in row ${row + 1}, column ${column + 1}. ` +
        `That unit sees ${sees} × ${sees} pixels: the frame in the digit.`;

    const scene = paint(eye, SIDE * 8, SIDE * 8, (i) => {
      const value = pixels[Math.floor(i / SIDE / 64) * SIDE + (Math.floor(i / 8) % SIDE)];
      return gray(value);
    });
    if (!silent) {
      Object.assign(scene, { strokeStyle: "#ff6fbf", lineWidth: 3 });
      scene.strokeRect(column * jump * 8 + 1, row * jump * 8 + 1, sees * 8 - 2, sees * 8 - 2);
    }
    eye.setAttribute(
      "aria-label",
      own ? "Your drawing in 28 by 28 pixels." : `A test digit ${state.source} in 28 by 28 pixels.`,
    );

    const shares = empty ? Array(10).fill(0) : results.probabilities,
      best = shares.indexOf(Math.max(...shares));
    bars.forEach(({ fill, percent }, digit) => {
      fill.style.width = `${100 * shares[digit]}%`;
      percent.textContent = `${number(100 * shares[digit], 1)}%`;
      fill.parentNode.parentNode.classList.toggle("gpulab-best", digit === best && !empty);
    });
    if (empty) return "The paper is empty: draw a digit.";
    const quiet = [...Array(maps).keys()].filter(
      (m) => !values.subarray(m * side * side, (m + 1) * side * side).some((v) => v > 0),
    ).length;
    return (
      `The network answers ${best} with ${number(100 * shares[best], 1)}%. After ${state.layer} there are ${maps} maps of ${side} × ${side}` +
      (quiet ? `; ${quiet} of them ${quiet === 1 ? "is" : "are"} silent.` : ".")
    );
  };
};
