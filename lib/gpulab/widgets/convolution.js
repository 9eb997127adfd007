(ui, data) => {
  const SIDE = data.side;
  const { number, part } = ui;
  const range = (n) => [...Array(n).keys()];
  const LAST = (k) => k - 1,
    MIDDLE = (k) => (k - 1) >> 1;
  // The kernels that can be chosen: the weight at row u and column v of k x k.
  const KERNELS = {
    identity: (u, v, k) => +(u === MIDDLE(k) && v === MIDDLE(k)),
    "vertical edge": (u, v, k) => (v === LAST(k)) - (v === 0),
    "horizontal edge": (u, v, k) => (u === LAST(k)) - (u === 0),
    blur: (u, v, k) => 1 / k ** 2,
    sharpen: (u, v, k) => {
      const m = MIDDLE(k),
        inside = (a) => a >= 0 && a < k;
      if (u === m && v === m) return 1 + 2 * (inside(m - 1) + inside(m + 1));
      return -(Math.abs(u - m) + Math.abs(v - m) === 1);
    },
  };

  // The number of places for the window, by the formula; 0 where it does not fit.
  const size = ({ k, stride, padding, dilation }) =>
    Math.max(0, Math.floor((SIDE + 2 * padding - dilation * (k - 1) - 1) / stride) + 1);
  const pixel = (image, i, j) => image[i]?.[j] ?? 0;
  // The input cells that an output cell reads, with their weights.
  const reads = ({ kernel, k, stride, padding, dilation }, image, row, column) =>
    range(k).flatMap((u) =>
      range(k).map((v) => {
        const i = row * stride - padding + u * dilation,
          j = column * stride - padding + v * dilation;
        return { i, j, value: pixel(image, i, j), weight: kernel[u][v] };
      }),
    );
  const total = (terms) => terms.reduce((sum, { value, weight }) => sum + value * weight, 0);
  const compute = (state, image) =>
    range(size(state)).map((i) => range(size(state)).map((j) => total(reads(state, image, i, j))));

  const preset = (name, k) => range(k).map((u) => range(k).map((v) => KERNELS[name](u, v, k)));
  const fraction = (w) =>
    w > 0 && w < 0.5 && Number.isInteger(+(1 / w).toFixed(9)) ? `1/${Math.round(1 / w)}` : number(w);
  const parse = (text) => {
    const [top, bottom = "1", ...more] = text.replace("−", "-").split("/");
    const value = Number(top) / Number(bottom);
    return text.trim() && !more.length && Number.isFinite(value) ? value : null;
  };

  ui.hint.textContent =
    "Point at a number of the output, or go there with the arrow keys: the pixels that make it are framed. The weights of the kernel are yours to change.";
  ui.select(
    "image",
    "Image",
    Object.keys(data.images).map((name) => [name, name]),
    Object.keys(data.images)[0],
  );
  const OWN = "your own";
  const chosen = ui.select(
    "preset",
    "Kernel",
    [...Object.keys(KERNELS), OWN].map((name) => [name, name]),
    "vertical edge",
  );
  ui.range("k", "Kernel size", [1, 5], 3, (k) => `${k} × ${k}`);
  ui.range("stride", "Stride", [1, 4], 1);
  ui.range("padding", "Padding", [0, 2], 0);
  ui.range("dilation", "Dilation", [1, 3], 1);
  Object.assign(ui.state, { row: 3, column: 2, kernel: preset("vertical edge", 3) });
  ui.player(
    "Slide",
    (first) => {
      const n = size(ui.state),
        { row, column } = ui.state;
      const next = first ? 0 : row * n + column + 1;
      if (next >= n * n) return false;
      ui.set({ row: Math.floor(next / n), column: next % n });
      return true;
    },
    180,
  );

  const pictures = part(ui.body, "div", { class: "gpulab-row" });
  const input = ui.grid(pictures, "Input", "The input image; the cells that the window reads are framed.");
  const output = ui.grid(
    pictures,
    "Output",
    "The output map. Arrow keys move the cursor to another cell.",
    (i, j, relative) => {
      const { row, column } = ui.state,
        last = size(ui.state) - 1;
      const clamp = (a) => Math.max(0, Math.min(last, a));
      ui.set({ row: clamp(relative ? row + i : i), column: clamp(relative ? column + j : j) });
    },
  );
  const below = part(ui.body, "div", { class: "gpulab-row gpulab-pair" });
  const weights = part(below, "div", { class: "gpulab-narrow" }, ui.element("p", { class: "gpulab-head" }, "Kernel"));
  const boxes = part(weights, "div", { class: "gpulab-weights" });
  const products = ui.grid(below, "Pixel × weight", "The products of pixels and weights.", null, 62);
  const sum = part(ui.body, "p", { class: "gpulab-sum" });
  const formula = part(ui.body, "p", { class: "gpulab-formula" });
  const work = part(ui.body, "p", { class: "gpulab-work" });

  function drawWeights({ k, kernel }) {
    if (boxes.childElementCount !== k * k) {
      boxes.style.gridTemplateColumns = `repeat(${k}, 46px)`;
      boxes.replaceChildren(
        ...range(k * k).map((place) => {
          const u = Math.floor(place / k),
            v = place % k;
          const box = ui.element("input", {
            type: "text",
            inputmode: "text",
            size: 4,
            "aria-label": `weight, row ${u + 1}, column ${v + 1}`,
            focus: () => box.select(),
            change: () => {
              const value = parse(box.value);
              if (value === null) {
                box.setAttribute("aria-invalid", true);
                box.setAttribute("title", "a number, such as 2, -0.5 or 1/9");
                return;
              }
              const changed = ui.state.kernel.map((line) => [...line]);
              changed[u][v] = value;
              ui.set({ kernel: changed, preset: OWN });
            },
          });
          return box;
        }),
      );
    }
    [...boxes.children].forEach((box, place) => {
      const weight = kernel[Math.floor(place / k)][place % k];
      box.value = fraction(weight);
      box.setAttribute("aria-invalid", false);
      box.removeAttribute("title");
    });
  }

  ui.compute = (state) =>
    compute({ ...state, kernel: state.kernel ?? preset(state.preset, state.k) }, data.images[state.image]);
  ui.picture = (state) => {
    const { k, stride, padding, dilation } = state;
    const kept = state.preset === OWN && state.kernel.length !== k;
    if (state.preset !== OWN) state.kernel = preset(state.preset, k);
    // Your own weights stay in the upper left corner when the size changes.
    if (kept) state.kernel = range(k).map((u) => range(k).map((v) => state.kernel[u]?.[v] ?? 0));
    const image = data.images[state.image],
      n = size(state),
      span = dilation * (k - 1) + 1;
    state.row = Math.max(0, Math.min(state.row, n - 1));
    state.column = Math.max(0, Math.min(state.column, n - 1));
    const terms = n ? reads(state, image, state.row, state.column) : [];
    const map = (ui.result = compute(state, image));

    const lit = new Set(terms.map(({ i, j }) => `${i},${j}`));
    const inside = (i, j) => image[i]?.[j] !== undefined;
    input.head.textContent = `Input: ${SIDE} × ${SIDE}${padding ? `, with padding ${SIDE + 2 * padding} × ${SIDE + 2 * padding}` : ""}`;
    input.draw(
      SIDE + 2 * padding,
      SIDE + 2 * padding,
      (i, j) => ({
        color: inside(i, j) ? ui.blues(image[i][j] / 9) : null,
        text: number(pixel(image, i, j)),
        outside: !inside(i, j),
        lit: lit.has(`${i},${j}`),
      }),
      -padding,
    );

    const scale = Math.max(1e-9, ...map.flat().map(Math.abs));
    const short = (value) => number(value, Math.abs(value) < 9.95 ? 1 : 0);
    output.head.textContent = n ? `Output: ${n} × ${n}` : "Output: none";
    if (n) {
      output.draw(n, n, (i, j) => ({
        color: ui.signed(map[i][j] / scale),
        text: short(map[i][j]),
        lit: i === state.row && j === state.column,
        faded: ui.playing && i * n + j > state.row * n + state.column,
      }));
    } else {
      output.place.textContent = `The window spans ${span} pixels: more than the ${SIDE + 2 * padding} there are. It fits nowhere.`;
    }

    drawWeights(state);
    const largest = Math.max(1e-9, ...terms.map(({ value, weight }) => Math.abs(value * weight)));
    products.place.parentNode.hidden = sum.hidden = !n;
    if (n) {
      products.draw(k, k, (u, v) => {
        const { value, weight } = terms[u * k + v];
        return { color: ui.signed((0.6 * value * weight) / largest), text: `${number(value)} × ${fraction(weight)}` };
      });
    }
    const signs = terms.filter(({ value, weight }) => value * weight);
    const added = signs.map(({ value, weight }, place) => {
      const product = value * weight;
      return `${product < 0 ? "−" : place ? "+" : ""}${place ? " " : ""}${number(Math.abs(product))}`;
    });
    const answer = n ? map[state.row][state.column] : 0;
    sum.innerHTML = `Sum of ${k * k} products: ${added.join(" ") || "0"} = <b>${number(answer)}</b>`;

    const top = SIDE + 2 * padding - span;
    formula.innerHTML =
      `n<sub>out</sub> = ⌊(n + 2p − d(k − 1) − 1) / s⌋ + 1 = ⌊(${SIDE} + 2·${padding} − ${dilation}·(${k} − 1) − 1) / ${stride}⌋ + 1 ` +
      (n ? `= ⌊${top} / ${stride}⌋ + 1 = <b>${n}</b>` : `: no place for the window`);
    work.innerHTML = n
      ? `${k} · ${k} multiply-adds for each of ${n} · ${n} outputs: <b>${(k * k * n * n).toLocaleString("en-US")} multiply-adds</b>` +
        (ui.playing
          ? `; done so far: <b>${((state.row * n + state.column + 1) * k * k).toLocaleString("en-US")}</b>`
          : "")
      : "";
    if (!n) return `The window spans ${span} pixels and does not fit: no output.`;
    return (
      `The output has ${n} × ${n} numbers. The one in row ${state.row + 1}, column ${state.column + 1} is ${number(answer)}: ` +
      `the sum of ${k * k} products of a pixel and a weight.`
    );
  };
};
