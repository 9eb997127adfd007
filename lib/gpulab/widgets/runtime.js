// What all explorers share. Evaluates to start(script, name, css, data, build, ...uses): it finds the explorer's element,
// builds the live picture in it, and only then puts the still one away.
(() => {
  const SVG = "http://www.w3.org/2000/svg";

  // An element with attributes, or listeners where the value is a function, and children.
  function element(tag, attributes = {}, ...children) {
    const made = ["svg", "path"].includes(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (typeof value === "function") made.addEventListener(key, value);
      else if (value !== false) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  // A number as it is read: at most so many decimals, none that are zero, and a true minus sign.
  const number = (value, decimals = 2) => String(+value.toFixed(decimals) || 0).replace("-", "−");
  const mix = (color, t) => color.map((part) => Math.round(255 + (part - 255) * t));
  const BLUE = [8, 81, 156],
    PURPLE = [84, 39, 136],
    ORANGE = [179, 88, 6];
  const blues = (t) => mix(BLUE, Math.min(1, Math.max(0, t)));
  const signed = (t) => mix(t < 0 ? ORANGE : PURPLE, Math.min(1, Math.abs(t)));
  const rgb = (color) => `rgb(${color})`;
  // Black or white, whichever is easier to read on a color.
  function ink(color) {
    const [r, g, b] = color.map((part) => (part / 255) ** 2.2);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff";
  }

  function makeInterface(root, state) {
    const controls = element("div", { class: "gpulab-controls" });
    const body = element("div", { class: "gpulab-body" });
    const summary = element("p", { class: "gpulab-summary", "aria-live": "polite" });
    const shown = {}; // for each control, what brings it up to date with the state
    const hint = element("p", { class: "gpulab-note" });
    const ui = { root, state, body, hint, element, number, blues, signed, rgb, ink, playing: false };

    ui.set = (changes) => {
      Object.assign(state, changes);
      ui.draw();
    };
    ui.draw = () => {
      const said = ui.picture(state);
      for (const show of Object.values(shown)) show();
      // A screen reader is told once the picture rests, not at every step.
      summary.setAttribute("aria-live", ui.playing ? "off" : "polite");
      if (said !== summary.textContent) summary.textContent = said;
    };

    ui.range = (key, label, [low, high, step = 1], value, words = String) => {
      state[key] = value;
      // No <output>: a label would belong to it and not to the slider.
      const out = element("span", { class: "gpulab-value", "aria-hidden": true });
      const change = () => ui.set({ [key]: +input.value });
      const input = element("input", { type: "range", min: low, max: high, step, input: change });
      shown[key] = () => {
        input.value = state[key];
        out.textContent = words(state[key]);
        input.setAttribute("aria-valuetext", out.textContent);
      };
      controls.append(element("label", {}, element("span", {}, label, out), input));
      return input;
    };
    ui.select = (key, label, options, value) => {
      state[key] = value;
      const choices = options.map(([name, text]) => element("option", { value: name }, text));
      const input = element("select", { change: () => ui.set({ [key]: input.value }) }, ...choices);
      shown[key] = () => {
        input.value = state[key];
      };
      controls.append(element("label", {}, element("span", {}, label), input));
      return input;
    };
    ui.checkbox = (key, label, value) => {
      state[key] = value;
      const input = element("input", { type: "checkbox", change: () => ui.set({ [key]: input.checked }) });
      shown[key] = () => {
        input.checked = state[key];
      };
      controls.append(element("label", { class: "gpulab-check" }, input, label));
    };
    ui.button = (label, press) => {
      const made = element("button", { type: "button", click: press }, label);
      controls.append(made);
      return made;
    };
    // A button that takes steps until one says false, or it is pressed again.
    ui.player = (label, step, pause) => {
      let timer = 0;
      const stop = () => {
        clearInterval(timer);
        ui.playing = false;
        made.setAttribute("aria-pressed", false);
        made.textContent = `▶ ${label}`;
        ui.draw();
      };
      const made = ui.button(`▶ ${label}`, () => {
        if (ui.playing) return stop();
        ui.playing = true;
        made.setAttribute("aria-pressed", true);
        made.textContent = "■ Stop";
        step(true);
        timer = setInterval(() => (root.isConnected && step(false)) || stop(), pause);
      });
      made.setAttribute("aria-pressed", false);
    };
    ui.part = (parent, tag, attributes, ...children) => {
      const made = element(tag, attributes, ...children);
      parent.append(made);
      return made;
    };
    // A box with a heading and a grid of cells, each at most `largest` pixels wide. With `move` a cursor moves in it.
    ui.grid = (parent, heading, words, move, largest = 40) => {
      const box = ui.part(parent, "div");
      const head = ui.part(box, "p", { class: "gpulab-head" }, heading);
      const role = move ? "application" : "img";
      const place = ui.part(box, "div", { class: "gpulab-grid", role, "aria-label": words });
      if (move) {
        place.tabIndex = 0;
        let last = null;
        const point = (event) => {
          const image = place.querySelector("svg");
          if (!image) return; // a sentence stands there
          const { top, left, width, height } = image.getBoundingClientRect(),
            cells = image.viewBox.baseVal;
          const down = (event.clientY - top) / height,
            across = (event.clientX - left) / width;
          const cell = [Math.floor(down * cells.height), Math.floor(across * cells.width)];
          if (String(cell) !== String(last)) move(...(last = cell));
        };
        place.addEventListener("pointermove", (event) => !ui.playing && point(event));
        for (const kind of ["pointerdown", "pointerleave"]) {
          place.addEventListener(kind, (event) => {
            last = null; // meanwhile the cursor may have moved by other means
            if (kind === "pointerdown") point(event);
          });
        }
        place.addEventListener("keydown", (event) => {
          const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
          if (!steps) return;
          event.preventDefault();
          move(steps[0], steps[1], true);
        });
      }
      // `cell(i, j)` says how one looks: color, text, lit (a thick frame), outside (padding), mark (a dot).
      const draw = (rows, columns, cell, start = 0) => {
        const under = [],
          frames = [],
          dots = [],
          texts = [];
        for (let i = start; i < start + rows; i++) {
          for (let j = start; j < start + columns; j++) {
            const { color, text = "", lit, faded, outside, mark } = cell(i, j);
            const fade = faded ? ' opacity=".4"' : "",
              dashes = outside ? ' stroke-dasharray=".12 .1"' : "";
            const fill = color ? rgb(color) : "none",
              written = color ? ink(color) : "currentColor";
            under.push(`<rect x="${j}" y="${i}" width="1" height="1" fill="${fill}"${dashes}${fade}/>`);
            if (lit) frames.push(`<rect x="${j + 0.05}" y="${i + 0.05}" width=".9" height=".9"/>`);
            if (mark) dots.push(`<circle cx="${j + 0.84}" cy="${i + 0.16}" r=".11"/>`);
            const size = Math.min(0.5, (text.length > 4 ? 1.55 : 1.3) / text.length),
              base = i + 0.5 + size * 0.36;
            texts.push(
              `<text x="${j + 0.5}" y="${base}" font-size="${size}" fill="${written}"${fade}>${text}</text>`,
            );
          }
        }
        const view = `${start - 0.05} ${start - 0.05} ${columns + 0.1} ${rows + 0.1}`;
        const wide = `max-width:${Math.min(columns * largest, 420)}px`;
        place.innerHTML =
          `<svg viewBox="${view}" style="${wide}" aria-hidden="true">` +
          `<g stroke="#858585" stroke-width=".03">${under.join("")}</g>` +
          `<g fill="none" stroke="#fff" stroke-width=".17">${frames.join("")}</g>` +
          `<g fill="none" stroke="#d1007a" stroke-width=".1">${frames.join("")}</g>` +
          `<g fill="#d1007a" stroke="#fff" stroke-width=".04">${dots.join("")}</g>` +
          `<g text-anchor="middle">${texts.join("")}</g></svg>`;
      };
      return { head, place, draw };
    };
    return { ui, parts: [hint, controls, body, summary] };
  }

  return function start(script, name, css, data, build, ...uses) {
    const waiting = `.gpulab-explorer[data-explorer="${name}"]:not([data-live])`;
    // Some viewers run a copy of the script beside the element, so it is looked for around the script too.
    const root = script?.closest(waiting) ?? (script?.parentNode ?? document).querySelector(waiting);
    if (!root) return;
    const { ui, parts } = makeInterface(root, {});
    build(ui, data, ...uses);
    ui.draw(); // if this fails, the still picture stays
    const still = root.querySelector(".gpulab-still");
    root.prepend(element("style", {}, css));
    still.before(...parts);
    still.hidden = true;
    root.dataset.live = "";
    root.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves the arrow keys to the picture
    root.addEventListener("keydown", (event) => event.stopPropagation());
    root.explorer = ui;
  };
})();
