// Charts: a picture by Vega, the same as a table one button away, and a line to read under the pointer. Colours come from
// the style sheet, so that a change of theme draws everything again.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const charts = new Set();  // those in the page
const tip = document.getElementById('tip');

function showTip(event, text) {
  if (!text) {
    tip.hidden = true;
    return;
  }
  tip.textContent = text;
  tip.hidden = false;
  const {innerWidth, innerHeight} = window;
  const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 16 + tip.offsetHeight < innerHeight;
  tip.style.left = Math.max(8, x) + 'px';
  tip.style.top = (below ? event.clientY + 16 : event.clientY - tip.offsetHeight - 10) + 'px';
}

function configuration() {
  const ink = colour('--soft'), rule = colour('--rule');
  const font = getComputedStyle(document.body).fontFamily;
  return {
    background: null,
    axis: {labelColor: ink, titleColor: ink, domainColor: rule, tickColor: rule, gridColor: rule, labelFont: font,
      titleFont: font, labelFontSize: 11, titleFontSize: 11, titleFontWeight: 'normal', titlePadding: 6, tickSize: 4},
    text: {font, fontSize: 11, fill: ink},
    legend: {labelFont: font, titleFont: font, labelColor: ink, titleColor: ink},
  };
}

/// {title, note, label, plot(width) -> spec, table() -> element, ready(view, plot), canvas, class}. The figure has
/// update(), which draws it again.
function chart(options) {
  const plot = element('div', {class: 'plot ' + (options.class ?? '')});
  const rows = element('div', {hidden: true});
  const button = element('button', {class: 'quiet', 'aria-pressed': 'false', onclick: () => {
    rows.hidden = !rows.hidden;
    plot.hidden = !rows.hidden;
    button.setAttribute('aria-pressed', String(!rows.hidden));
    button.textContent = rows.hidden ? 'Table' : 'Picture';
    fill();
    if (rows.hidden) draw();
  }}, 'Table');
  const fill = () => {
    if (!rows.hidden) rows.replaceChildren(options.table());
  };
  let view = null;
  const draw = () => {
    if (plot.hidden || !plot.clientWidth) return;
    view?.finalize();
    const spec = options.plot(plot.clientWidth);
    const root = {$schema: undefined, autosize: {type: 'none'}, ...spec};
    view = new vega.View(vega.parse(root, configuration()), {
      renderer: options.canvas ? 'canvas' : 'svg', container: plot, hover: true,
      tooltip: (handler, event, item, value) => showTip(event, value),
      logger: vega.logger(vega.Warn),
    });
    view.run();
    plot.firstElementChild?.setAttribute('role', 'presentation');
    plot.setAttribute('role', 'img');
    plot.setAttribute('aria-label', `${options.title}. ${options.label ?? 'The button Table shows its numbers.'}`);
    options.ready?.(view, plot);
  };
  const figure = element('figure', {class: 'chart'},
    element('figcaption', {}, element('h3', {}, options.title), element('span', {class: 'note'}, options.note ?? ''),
      button), plot, rows);
  figure.update = () => {
    draw();
    fill();
  };
  figure.plot = plot;
  figure.view = () => view;
  charts.add(figure);
  return figure;
}

/// One after the other, so that what is above can be read meanwhile; "drawn" is set when all are.
function drawNext(list) {
  delete document.documentElement.dataset.drawn;
  const next = () => {
    const figure = list.shift();
    if (!figure) {
      document.documentElement.dataset.drawn = 'true';
      return;
    }
    if (figure.isConnected) figure.update();
    setTimeout(next);
  };
  setTimeout(next);
}

/// Draws what is in the page, and forgets what no longer is.
function drawAll() {
  for (const figure of charts) {
    if (figure.isConnected) figure.update();
    else charts.delete(figure);
  }
}

const legend = (list) => element('ul', {class: 'legend'}, list.map((family) =>
  element('li', {style: `--color: var(${family.color})`}, family.name)));

/// The axis of a time in picoseconds, in the unit that fits its span.
function timeAxis(span) {
  const [factor, unit] = timeUnits.find(([size]) => span >= size) ?? timeUnits[4];
  return {factor, unit};
}
