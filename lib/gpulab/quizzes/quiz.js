// Brings a quiz to life: a button to check each question, an explanation of the answer that was given, and a score.
// Answers are kept in this browser, for all quizzes of the course under one key. Where that is refused, they last as
// long as the page.
(script, encoded) => {
  const waiting = ".gpulab-quiz:not([data-live])";
  // Some viewers run a copy of the script beside the quiz, so it is looked for around the script too.
  const root = script?.closest(waiting) ?? (script?.parentNode ?? document).querySelector(waiting);
  if (!root) return;
  const answers = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0))));
  const KEY = "gpulab-quizzes";
  const memory = {};
  const load = () => {
    try {
      const found = JSON.parse(localStorage.getItem(KEY));
      return found instanceof Object ? found : {};
    } catch { return memory; }
  };
  const kept = () => load()[root.dataset.quiz] ?? {};
  const keep = (entries) => {
    const all = load();
    if (entries) all[root.dataset.quiz] = entries; else delete all[root.dataset.quiz];
    Object.assign(memory, { [root.dataset.quiz]: entries ?? {} });
    try { localStorage.setItem(KEY, JSON.stringify(all)); } catch { /* memory has it */ }
  };
  const add = (parent, tag, text, attributes = {}) => {
    const made = document.createElement(tag);
    made.innerHTML = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    parent.append(made);
    return made;
  };
  const button = (parent, text, press, label) => {
    const made = add(parent, "button", text, { type: "button", ...(label && { "aria-label": label }) });
    made.addEventListener("click", press);
    return made;
  };

  // A number as people write it: 93,322 or 1/4 or −0.5. NaN where it is none; then the reader is asked again.
  const number = (text) => {
    const bare = text.trim().replace(/[\s_]/g, "").replace("−", "-");
    const whole = /^-?\d{1,3}(,\d{3})+(\.\d+)?$/.test(bare) ? bare.replaceAll(",", "") : bare;
    const parts = whole.split("/");
    if (parts.length > 2 || parts.some((part) => !/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(part))) return NaN;
    return parts.length === 2 ? parts[0] / parts[1] : +whole;
  };
  // Binary fractions: 0.1 + 0.2 is within a tolerance of 0 of 0.3.
  const near = (a, b, tolerance) => Math.abs(a - b) <= tolerance + 1e-9 * Math.max(1, Math.abs(b));

  // For each kind of question: what is given, what to say about it (or what is missing), and how to put it back.
  const kinds = {
    choice: (field, { options }) => {
      const inputs = [...field.querySelectorAll("input")];
      return {
        given: () => inputs.flatMap((input, i) => (input.checked ? [i] : [])),
        judge: (given) => {
          if (!given.length) return { ask: "Choose an answer first." };
          const right = options.every(([good], i) => good === given.includes(i));
          const said = given.map((i) => options[i][1]);
          if (inputs[0].type === "radio") return { right, said: said[0] };
          const list = given.map((i) => `<li>${options[i][0] ? "Right" : "Not right"}: ${options[i][1]}</li>`).join("");
          const missing = !right && given.every((i) => options[i][0]) ? "There is more to choose." : "";
          return { right, said: `<ul>${list}</ul>${missing}` };
        },
        put: (given) => inputs.forEach((input, i) => { input.checked = given.includes(i); }),
        empty: [],
      };
    },
    number: (field, { right: [value, tolerance, why], wrong }) => {
      const input = field.querySelector("input");
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        field.querySelector("button").click();
      });
      return {
        given: () => input.value,
        judge: (given) => {
          const found = number(given);
          if (Number.isNaN(found)) return { ask: "Write a number, such as 0.5 or 1,000." };
          if (near(found, value, tolerance)) return { right: true, said: why };
          const known = wrong.find(([other]) => near(found, other, tolerance));
          return { right: false, said: known ? known[1] : "Try once more, step by step." };
        },
        put: (given) => { input.value = given; },
        empty: "",
      };
    },
    order: (field, { why, hint }, say) => {
      const list = field.querySelector("ol");
      const items = [...list.children];
      const move = (item, by) => {
        const places = [...list.children], from = places.indexOf(item), to = from + by;
        if (to < 0 || to >= places.length) return;
        const focused = document.activeElement;
        if (by < 0) places[to].before(item); else places[to].after(item);
        focused.focus();
        say(`${item.querySelector("span").textContent}: now ${to + 1} of ${places.length}.`);
      };
      for (const item of items) {
        const text = item.querySelector("span");
        const up = button(item, "↑", () => move(item, -1), `Move up: ${text.textContent}`);
        text.before(up, button(item, "↓", () => move(item, 1), `Move down: ${text.textContent}`));
      }
      return {
        given: () => [...list.children].map((item) => +item.dataset.item),
        judge: (given) => {
          const right = given.every((item, place) => item === place);
          return { right, said: right ? why : hint };
        },
        put: (given) => given.forEach((number) => list.append(items.find((item) => +item.dataset.item === number))),
        empty: items.map((item) => +item.dataset.item),
      };
    },
  };

  const fields = [...root.querySelectorAll("fieldset")];
  const clear = [];
  const count = () => {
    const entries = kept();
    const right = answers.filter(({ key }) => entries[key]?.right).length;
    score.textContent = `Score: ${right} of ${answers.length}.`;
  };
  fields.forEach((field, place) => {
    const answer = answers[place];
    const say = (text, look = "") => {
      status.className = look;
      status.innerHTML = text;
    };
    const question = kinds[field.dataset.kind](field, answer, (text) => say(text));
    const show = (given) => {
      const { ask, right, said } = question.judge(given);
      if (ask) say(ask);
      else say(`<b>${right ? "Right." : "Not right."}</b> ${said}`, right ? "gpulab-right" : "gpulab-wrong");
      return ask ? null : { given, right };
    };
    button(field, "Check", () => {
      const entry = show(question.given());
      if (entry) keep({ ...kept(), [answer.key]: entry });
      count();
    }, `Check question ${place + 1}`);
    const status = add(field, "div", "", { role: "status", "aria-live": "polite" });
    field.addEventListener("input", () => say(""));
    const before = kept()[answer.key];
    try {
      if (before) question.put(before.given);
      if (before) show(before.given);
    } catch { question.put(question.empty); } // what another version of the course kept
    clear.push(() => {
      question.put(question.empty);
      say("");
    });
  });
  root.querySelector(".gpulab-quiz-note").remove();
  const score = add(root, "p", "", { class: "gpulab-quiz-score" });
  button(root, "Forget my answers", () => {
    keep(null);
    clear.forEach((one) => one());
    count();
  });
  count();
  // In JupyterLab keys such as the arrows and x belong to the notebook, unless the element itself refuses.
  for (const one of root.querySelectorAll("input, button")) one.setAttribute("data-lm-suppress-shortcuts", "");
  root.dataset.live = "";
}
