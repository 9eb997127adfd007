// The reference CNN: 8-bit weights, one scale for each output channel. Makes forward(pixels) from the packed layers.
(layers) => {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const floats = (text) => new Float32Array(bytes(text).buffer);
  const network = Object.fromEntries(
    Object.entries(layers).map(([name, layer]) => [
      name,
      {
        shape: layer.shape,
        weight: new Int8Array(bytes(layer.weight).buffer),
        scale: floats(layer.scale),
        bias: floats(layer.bias),
      },
    ]),
  );
  const relu = (x) => (x > 0 ? x : 0);

  function convolve(maps, side, { shape: [filters, channels], weight, scale, bias }) {
    const n = side - 2,
      out = new Float32Array(filters * n * n);
    for (let f = 0; f < filters; f++) {
      const sums = new Float64Array(n * n);
      for (let c = 0; c < channels; c++) {
        for (let place = 0; place < 9; place++) {
          const w = weight[(f * channels + c) * 9 + place],
            u = Math.floor(place / 3),
            v = place % 3;
          if (!w) continue;
          for (let i = 0; i < n; i++) {
            const from = c * side * side + (i + u) * side + v;
            for (let j = 0; j < n; j++) sums[i * n + j] += w * maps[from + j];
          }
        }
      }
      for (let place = 0; place < n * n; place++) out[f * n * n + place] = relu(sums[place] * scale[f] + bias[f]);
    }
    return out;
  }
  function pool(maps, side) {
    const n = side >> 1,
      count = maps.length / side ** 2,
      out = new Float32Array(count * n * n);
    for (let c = 0; c < count; c++)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          const a = c * side * side + 2 * i * side + 2 * j;
          out[(c * n + i) * n + j] = Math.max(maps[a], maps[a + 1], maps[a + side], maps[a + side + 1]);
        }
    return out;
  }
  const dense = (x, { shape: [outputs, inputs], weight, scale, bias }) =>
    Float32Array.from({ length: outputs }, (_, o) => {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i] * x[i];
      return sum * scale[o] + bias[o];
    });
  function forward(pixels) {
    const conv1 = convolve(pixels, 28, network.conv1),
      pool1 = pool(conv1, 26);
    const conv2 = convolve(pool1, 13, network.conv2),
      pool2 = pool(conv2, 11);
    const conv3 = convolve(pool2, 5, network.conv3);
    const logits = dense(dense(conv3, network.dense1).map(relu), network.dense2);
    const top = Math.max(...logits),
      powers = [...logits].map((z) => Math.exp(z - top)),
      all = powers.reduce((a, b) => a + b);
    return { conv1, pool1, conv2, pool2, conv3, logits, probabilities: powers.map((power) => power / all) };
  }
  return { forward, bytes };
};
