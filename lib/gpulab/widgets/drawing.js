// A drawing of `wide` x `wide` points, treated as the data was: its longer side fitted into 20 pixels, its ink centered
// in 28 x 28, the darkest pixel 1. Returns 784 numbers.
(ink, wide, center) => {
  const SIDE = 28;

  const pixels = new Float32Array(SIDE * SIDE);
  let top = wide,
    left = wide,
    bottom = -1,
    right = -1;
  ink.forEach((value, place) => {
    if (value < 0.1) return;
    const i = Math.floor(place / wide),
      j = place % wide;
    top = Math.min(top, i);
    bottom = Math.max(bottom, i);
    left = Math.min(left, j);
    right = Math.max(right, j);
  });
  if (bottom < 0) return pixels;
  const zoom = Math.max(bottom - top + 1, right - left + 1) / 20,
    POINTS = 8;
  const rows = Math.max(1, Math.round((bottom - top + 1) / zoom)),
    columns = Math.max(1, Math.round((right - left + 1) / zoom));
  const small = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let a = 0; a < POINTS; a++)
        for (let b = 0; b < POINTS; b++) {
          const y = Math.floor(top + (i + (a + 0.5) / POINTS) * zoom),
            x = Math.floor(left + (j + (b + 0.5) / POINTS) * zoom);
          sum += y < wide && x < wide ? ink[y * wide + x] : 0;
        }
      small[i * columns + j] = sum / POINTS ** 2;
    }
  const most = Math.max(...small),
    all = small.reduce((a, b) => a + b);
  let row = 0,
    column = 0;
  small.forEach((value, place) => {
    row += value * Math.floor(place / columns);
    column += value * (place % columns);
  });
  const fit = (middle, extent) => Math.max(0, Math.min(SIDE - extent, Math.round(center - middle / all)));
  const down = fit(row, rows),
    across = fit(column, columns);
  small.forEach((value, place) => {
    pixels[(down + Math.floor(place / columns)) * SIDE + across + (place % columns)] = value / most;
  });
  return pixels;
};
