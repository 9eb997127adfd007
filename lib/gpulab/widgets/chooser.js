(ui, data) => {
  const { element, part } = ui;
  const BUDGETS = [300, 400, 500, 600, 800, 1000, 1500, 2000, 3000, 7000, Infinity];
  const POWERS = [75, 150, 200, 250, 300, 350, 450, 600, 1000, Infinity];
  const SOFTWARE = { cuda: "CUDA", rocm: "ROCm", metal: "Metal", xpu: "oneAPI (XPU)", xla: "XLA", cpu: "the CPU" };
  const BOUNDS = { c: "arithmetic", m: "memory bandwidth", o: "starting kernels", h: "the host" };
  const SHOWN = 6;
  const models = [...new Set(data.works.map((work) => work.model))];
  const worksOf = ({ model, mode, precision }) =>
    data.works.filter((work) => work.model === model && work.mode === mode && work.precision === precision);
  const chosen = (state) => worksOf(state)[state.size];
  // "t4=0.35, h100-sxm=2.5" as a table; entries that are no device and amount are returned apart.
  function pairs(text) {
    const known = new Set(data.devices.map(({ id }) => id)),
      found = {},
      wrong = [];
    for (const entry of text.split(/[\s,;]+/).filter(Boolean)) {
      const [id, amount] = entry.split("=");
      if (known.has(id) && +amount > 0) found[id] = +amount;
      else wrong.push(entry);
    }
    return { found, wrong };
  }
  const positive = (text) => (+text > 0 && +text < Infinity ? +text : null);

  const three = (value) => String(+value.toPrecision(2));
  function duration(hours) {
    if (hours < 1 / 60) return `${three(hours * 3600)} s`;
    if (hours < 1) return `${three(hours * 60)} min`;
    if (hours < 48) return `${three(hours)} h`;
    return hours < 2376 ? `${three(hours / 24)} days` : `${Math.round(hours / 24).toLocaleString("en-US")} days`;
  }
  const dollars = (usd) => (usd >= 100 ? `${Math.round(usd).toLocaleString("en-US")} USD` : `${usd.toFixed(2)} USD`);

  // What a device would take: hours, cost, energy, and what speaks against it or is not known. As gpulab.choose does.
  function judge(state, device, run, work) {
    const rent = state.how === "rent",
      against = [],
      missing = [];
    const budget = BUDGETS[state.budget],
      power = POWERS[state.power];
    if (state.software !== "any" && device.software !== state.software) {
      against.push(`is programmed with ${SOFTWARE[device.software]}, not ${SOFTWARE[state.software]}`);
    }
    if (device.w > power) against.push(`draws ${device.w} W, more than ${power} W`);
    if (power < Infinity && device.w === null) missing.push("its design power is not in the catalog");
    const price = pairs(state.prices).found[device.id] ?? device.usd,
      rate = pairs(state.rates).found[device.id] ?? null;
    const from = rent ? "your rate" : price === device.usd ? `launch price, ${device.year}` : "your price";
    if (rent && rate === null) missing.push("no rate: you gave none");
    if (!rent && price === null) missing.push("no price: you gave none, and the catalog has no launch price");
    if (!run) return { device, against: [...against, "cannot compute in this precision"], missing };
    const samples = positive(state.samples) ?? work.samples,
      able = (work.batch / run[0]) * 1000;
    const speed = Math.min(able, positive(state.host) ?? able),
      hours = samples / speed / 3600,
      busy = samples / able / 3600;
    const kwh =
      run[1] === null ? null : (run[1] * busy + data.waiting * device.w * device.part * (hours - busy)) / 1000;
    const bought = price === null ? null : price + (kwh ?? 0) * (positive(state.electricity) ?? 0);
    const cost = rent ? (rate === null ? null : rate * hours) : bought;
    if (device.gb !== null && work.gb > device.gb) {
      against.push(`needs ${work.gb.toFixed(2)} GB and has ${device.gb} GB`);
    }
    const limit = positive(state.hours);
    if (limit && hours > limit) against.push(`takes ${duration(hours)}, longer than ${duration(limit)}`);
    if (cost !== null && cost > budget) {
      against.push(`costs ${dollars(cost)} (${from}), more than ${dollars(budget)}`);
    }
    const bound = speed < able ? "h" : run[2],
      money = rent ? rate : price;
    const value = money === null ? null : money * hours;
    return { device, against, missing, hours, kwh, cost, from, bound, value, gb: work.gb };
  }
  const ORDERS = { time: "hours", cost: "cost", energy: "kwh", value: "value" };
  function compute(state) {
    const work = chosen(state),
      key = ORDERS[state.by];
    const all = data.devices.map((device, place) => judge(state, device, work.runs[place], work));
    const last = (value) => value ?? Infinity;
    const order = (a, b) => {
      for (const pair of [
        [+last(a[key]).toPrecision(9), +last(b[key]).toPrecision(9)],
        [last(a.cost), last(b.cost)],
        [last(a.device.w), last(b.device.w)],
      ])
        if (pair[0] !== pair[1]) return pair[0] < pair[1] ? -1 : 1;
      return a.device.id < b.device.id ? -1 : 1;
    };
    const fit = all.filter(({ against }) => !against.length).sort(order);
    return {
      work,
      ranked: fit.filter(({ missing }) => !missing.length),
      apart: fit.filter(({ missing }) => missing.length),
      out: all.filter(({ against }) => against.length),
    };
  }
  // The same as plain values, for a test.
  ui.compute = (state) => {
    const { ranked, apart, out } = compute({ ...ui.state, ...state });
    const plain = ({ device, hours, cost, kwh }) => [device.id, hours, cost, kwh];
    return { ranked: ranked.map(plain), apart: apart.map(plain), out: out.map(({ device }) => device.id) };
  };

  ui.hint.textContent =
    "Choose the work, then the limits. Times are predicted. Without a price of yours, the launch price counts.";
  const name = (model) => data.works.find((work) => work.model === model);
  const named = (model) => [model, `${model} (${name(model).application})`];
  ui.select("model", "Work", models.map(named), models[0]);
  ui.select("mode", "Mode", [["train", "training"], ["infer", "inference"]], "train");
  ui.select("precision", "Precision", [["16-bit", "16 bits (mixed)"], ["fp32", "FP32"]], "16-bit");
  ui.range("size", "Batch", [0, 2], 1, () => String(chosen(ui.state).batch));
  const orders = [["time", "time"], ["cost", "cost"], ["energy", "energy"], ["value", "price × time"]];
  ui.select("by", "Rank by", orders, "time");
  ui.select("how", "Buy or rent", [["buy", "buy"], ["rent", "rent by the hour"]], "buy");
  ui.select("software", "Software", [["any", "any"], ...Object.entries(SOFTWARE)], "any");
  const limit = (list, unit) => (i) => (list[i] < Infinity ? `${list[i].toLocaleString("en-US")} ${unit}` : "no limit");
  ui.range("budget", "Budget", [0, BUDGETS.length - 1], BUDGETS.length - 1, limit(BUDGETS, "USD"));
  ui.range("power", "Card's power", [0, POWERS.length - 1], POWERS.length - 1, limit(POWERS, "W"));

  const boxes = part(ui.body, "div", { class: "gpulab-controls" });
  function box(key, label, example, bad) {
    ui.state[key] = "";
    const change = () => {
      input.setAttribute("aria-invalid", bad(input.value));
      ui.set({ [key]: input.value });
    };
    const input = element("input", { type: "text", placeholder: example, input: change, style: "width:100%" });
    boxes.append(element("label", {}, element("span", {}, label), input));
  }
  const noNumber = (text) => Boolean(text.trim()) && positive(text) === null;
  const noPairs = (text) => pairs(text).wrong.length > 0;
  box("samples", "Samples to process", "a whole job", noNumber);
  box("hours", "At most hours", "no limit", noNumber);
  box("host", "Host, samples/s", "as many as needed", noNumber);
  box("electricity", "USD for a kWh", "not counted", noNumber);
  box("prices", "Your prices (USD)", "rtx-3090=700", noPairs);
  box("rates", "Your rents (USD/h)", "t4=0.35", noPairs);

  const result = part(ui.body, "div");
  const text = (each) =>
    [
      duration(each.hours),
      `bound by ${BOUNDS[each.bound]}`,
      each.device.gb === null ? "" : `${each.gb.toFixed(1)} of ${each.device.gb} GB`,
      each.cost === null ? "" : `${dollars(each.cost)} (${each.from})`,
      each.kwh === null ? "" : `${+each.kwh.toPrecision(3)} kWh`,
      ...each.missing,
      each.device.beware && `beware: ${each.device.beware}`,
    ]
      .filter(Boolean)
      .join("; ");
  function listed(heading, list, words) {
    const more = element("details", {}, element("summary", {}, `${heading}: ${list.length}`));
    const item = (each) => element("li", {}, element("b", {}, each.device.name), ` ${words(each)}`);
    more.append(element("ul", {}, ...list.map(item)));
    return more;
  }
  ui.picture = (state) => {
    const { work, ranked, apart, out } = (ui.result = compute(state));
    const open = [...result.querySelectorAll("details")].map((each) => each.open);
    const longest = Math.max(...ranked.slice(0, SHOWN).map(({ hours }) => hours));
    const bar = (each) =>
      element("div", { class: "gpulab-track", "aria-hidden": true },
        element("span", { class: "gpulab-fill", style: `width:${(100 * each.hours) / longest}%` }));
    const items = ranked.slice(0, SHOWN).map((each) =>
      element("li", { style: "margin-bottom:.5rem" },
        element("b", {}, each.device.name), ` ${text(each)}`, bar(each)));
    const rest = [
      listed("Ranked below", ranked.slice(SHOWN), text),
      listed("Listed apart", apart, text),
      listed("Ruled out", out, ({ against }) => against.join("; ")),
    ];
    rest.forEach((each, i) => (each.open = open[i] ?? false));
    const head = element("p", { class: "gpulab-head" }, "The first of the list, with the predicted time as a bar");
    result.replaceChildren(head,
      element("ol", { style: "padding-left:1.6em" }, ...items), ...rest);
    const first = ranked[0];
    const wrong = [...pairs(state.prices).wrong, ...pairs(state.rates).wrong];
    return (
      (first
        ? `Of ${data.devices.length} devices, ${ranked.length} are ranked; ` +
          `first: ${first.device.name}, ${duration(first.hours)}.`
        : "No device with a price keeps to these limits.") +
      ` Work: ${work.words}; batch ${work.batch}, ${work.gb.toFixed(1)} GB.` +
      ` Listed apart: ${apart.length}. Ruled out: ${out.length}.` +
      (wrong.length ? ` Not understood: ${wrong.join(", ")}. Write it like rtx-3090=700.` : "")
    );
  };
};
