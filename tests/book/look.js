// Looks at the page as it stands and returns plain data: what is shown, what is too wide, what is hard to read.
async () => {
  const MIN_CONTRAST = 4.5; // WCAG 2 level AA for body text
  const MIN_CONTRAST_LARGE = 3; // the same for large text

  const parse = (color) => {
    const n = (color.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
    if (color.startsWith("color(srgb")) n.splice(0, 3, n[0] * 255, n[1] * 255, n[2] * 255);
    return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const background = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reduceRight((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const opacity = (e) => (e ? Number(getComputedStyle(e).opacity) * opacity(e.parentElement) : 1);
  const ownText = (e) => [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent.trim());
  const isShown = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const name = (e) => `${e.tagName.toLowerCase()}.${e.className} "${(e.textContent || e.src || "").trim().slice(0, 40)}"`;
  const scrolls = (e) => {
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(p).overflowX)) return true; // "hidden" would cut it off
    return false;
  };

  if (window.MathJax?.startup?.promise) await window.MathJax.startup.promise;
  await document.fonts.ready;
  // Colors fade when the color scheme changes: look at the result.
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  document.getAnimations().forEach((animation) => { try { animation.finish(); } catch { /* it never ends */ } });

  const article = document.querySelector("article") ?? document.querySelector("main"); // the search page has no article
  const hardToRead = [];
  for (const e of article.querySelectorAll("*")) {
    if (!ownText(e) || !isShown(e) || e.closest("mjx-assistive-mml, svg, script, style, .headerlink, .search-button__kbd-shortcut")) continue;
    const style = getComputedStyle(e);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const below = background(e);
    const ink = parse(style.color);
    ink[3] *= opacity(e);
    const ratio = contrast(over(ink, below), below);
    if (ratio < (large ? MIN_CONTRAST_LARGE : MIN_CONTRAST)) hardToRead.push(`${ratio.toFixed(1)} ${name(e)}`);
  }
  const images = [...document.images];
  return {
    theme: document.documentElement.dataset.theme,
    math: article.querySelectorAll(".math").length,
    mathRendered: article.querySelectorAll(".math mjx-container").length,
    mathErrors: article.querySelectorAll("mjx-merror").length,
    broken: images.filter((i) => !i.complete || i.naturalWidth === 0).map((i) => i.src),
    noAlt: images.filter((i) => (i.closest("article") ? !i.alt.trim() : !i.hasAttribute("alt"))).map((i) => i.src),
    width: document.scrollingElement.scrollWidth,
    tooWide: [...article.querySelectorAll("*")]
      .filter((e) => isShown(e) && e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e) && !e.closest("mjx-assistive-mml"))
      .map(name),
    smallestText: Math.min(...[...article.querySelectorAll("p, li, td, pre")].filter(isShown).map((e) => parseFloat(getComputedStyle(e).fontSize))),
    hardToRead: [...new Set(hardToRead)],
  };
}
