(ui, data) => {
  const { number, part } = ui;
  const SIDE = data.side;
  const range = (n) => [...Array(n).keys()];
  const size = ({ window, stride }) => Math.floor((SIDE - window) / stride) + 1;
  // The image moved to the right; what comes in from the left is 0.
  const moved = (image, shift) => image.map((line) => line.map((_, j) => line[j - shift] ?? 0));
  const reads = ({ window, stride }, image, row, column) =>
    range(window).flatMap((u) =>
      range(window).map((v) => {
        const i = row * stride + u,
          j = column * stride + v;
        return { i, j, value: image[i][j] };
      }),
    );
  const answer = (kind, cells) => {
    const values = cells.map(({ value }) => value);
    return kind === "max" ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const compute = (state, image) =>
    range(size(state)).map((i) => range(size(state)).map((j) => answer(state.kind, reads(state, image, i, j))));

  ui.hint.textContent = "Point at a number of the output, or go there with the arrow keys: its window is framed.";
  ui.select(
    "image",
    "Image",
    Object.keys(data.images).map((name) => [name, name]),
    Object.keys(data.images)[0],
  );
  ui.select(
    "kind",
    "Keep",
    [
      ["max", "the largest (max)"],
      ["average", "the mean (average)"],
    ],
    "max",
  );
  ui.range("window", "Window", [2, 5], 2, (k) => `${k} × ${k}`);
  ui.range("stride", "Stride", [1, 5], 2);
  ui.range("shift", "Shift right", [0, 3], 0);
  Object.assign(ui.state, { row: 1, column: 1 });

  const pictures = part(ui.body, "div", { class: "gpulab-row" });
  const input = ui.grid(pictures, "Input", "The input image; the cells of the window are framed.");
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
  const sum = part(ui.body, "p");
  const formula = part(ui.body, "p", { class: "gpulab-formula" });

  ui.compute = (state) => compute(state, moved(data.images[state.image], state.shift ?? 0));
  ui.picture = (state) => {
    const { kind, window, stride, shift } = state,
      n = size(state);
    state.row = Math.min(state.row, n - 1);
    state.column = Math.min(state.column, n - 1);
    const image = moved(data.images[state.image], shift);
    const map = (ui.result = compute(state, image)),
      before = compute(state, data.images[state.image]);
    const cells = reads(state, image, state.row, state.column),
      value = map[state.row][state.column];
    const lit = new Set(cells.map(({ i, j }) => `${i},${j}`));
    // Of equal values the first one wins, as in the frameworks.
    const winner = kind === "max" ? cells.find((cell) => cell.value === value) : null;

    input.head.textContent = `Input: ${SIDE} × ${SIDE}`;
    input.draw(SIDE, SIDE, (i, j) => ({
      color: ui.blues(image[i][j] / 9),
      text: number(image[i][j]),
      lit: lit.has(`${i},${j}`),
      mark: winner?.i === i && winner?.j === j,
    }));
    output.head.textContent = `Output: ${n} × ${n}`;
    output.draw(n, n, (i, j) => ({
      color: ui.blues(map[i][j] / 9),
      text: number(map[i][j], 1),
      lit: i === state.row && j === state.column,
      mark: map[i][j] !== before[i][j],
    }));
    const values = cells.map((cell) => number(cell.value));
    sum.innerHTML =
      kind === "max"
        ? `The largest of ${values.join(", ")} is <b>${number(value)}</b>; the dot in the input marks the winner.`
        : `The mean of ${values.join(", ")} is <b>${number(value)}</b>.`;
    formula.innerHTML = `n<sub>out</sub> = ⌊(n − k) / s⌋ + 1 = ⌊(${SIDE} − ${window}) / ${stride}⌋ + 1 = <b>${n}</b>`;
    const changed = map.flat().filter((number_, place) => number_ !== before.flat()[place]).length;
    const lost = SIDE - ((n - 1) * stride + window);
    return (
      `The output has ${n} × ${n} numbers; the framed one is ${number(value)}.` +
      (lost > 0
        ? ` The last ${lost === 1 ? "row and column are" : `${lost} rows and columns are`} in no window.`
        : "") +
      (shift ? ` Moving the image by ${shift} changed ${changed} of ${n * n} (dots in the output).` : "")
    );
  };
};
