(ui, data) => {
  const words = (place) => data.frames[place].label;
  ui.range("frame", data.control, [0, data.frames.length - 1], data.first, words);
  ui.player(
    "Play",
    (first) => {
      const next = first && ui.state.frame === data.frames.length - 1 ? 0 : ui.state.frame + 1;
      if (next >= data.frames.length) return false;
      ui.set({ frame: next });
      return true;
    },
    900,
  );
  const picture = ui.part(ui.body, "img", { class: "gpulab-frame", alt: data.frames[data.first].alt });
  ui.picture = ({ frame }) => {
    picture.src = data.frames[frame].source;
    picture.alt = data.frames[frame].alt;
    return data.frames[frame].alt;
  };
};
