// One window of time for mesh and lanes: the strip, the sliders and the keys all move it. Times are picoseconds.
class TimeWindow {
  constructor(end) {
    this.end = Math.max(1, end);
    this.from = 0;
    this.to = this.end;
    this.listeners = [];
  }
  get span() { return this.to - this.from; }
  set(from, to) {
    const span = Math.min(this.end, Math.max(1, this.end * 1e-6, to - from));
    this.from = Math.min(Math.max(0, from), this.end - span);
    this.to = this.from + span;
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      for (const listener of this.listeners) listener();
    });
  }
  move(spans) { this.set(this.from + spans * this.span, this.to + spans * this.span); }
  zoom(factor, about = (this.from + this.to) / 2) {
    const span = Math.min(this.end, this.span * factor);
    const share = (about - this.from) / this.span;
    this.set(about - share * span, about + (1 - share) * span);
  }
  all() { this.set(0, this.end); }
  text() {
    if (this.span >= this.end) return `the whole run, ${time(this.end)}`;
    return `${time(this.from)} to ${time(this.to)}, ${time(this.span)} of ${time(this.end)}`;
  }
}

function windowControls(view) {
  const says = element('output', {id: 'window-text', 'aria-live': 'polite'});
  const steps = 1000;
  const where = element('input', {type: 'range', min: 0, max: steps, step: 1, id: 'window-where', oninput: () => {
    const from = Number(where.value) / steps * (view.end - view.span);
    view.set(from, from + view.span);
  }});
  const wide = element('input', {type: 'range', min: 0, max: steps, step: 1, id: 'window-width', oninput: () => {
    const span = view.end * 10 ** (-4 * (1 - Number(wide.value) / steps));
    const middle = (view.from + view.to) / 2;
    view.set(middle - span / 2, middle + span / 2);
  }});
  const show = () => {
    says.textContent = view.text();
    where.disabled = view.span >= view.end;
    where.value = view.span >= view.end ? 0 : view.from / (view.end - view.span) * steps;
    wide.value = steps * (1 + Math.log10(view.span / view.end) / 4);
    where.setAttribute('aria-valuetext', view.text());
    wide.setAttribute('aria-valuetext', time(view.span));
  };
  view.listeners.push(show);
  show();
  const step = (name, label, act) => element('button', {'aria-label': label, title: label, onclick: act}, name);
  return element('div', {class: 'window', role: 'group', 'aria-label': 'Window of time'},
    element('label', {}, 'window at', where), element('label', {}, 'width', wide),
    element('span', {class: 'tabs'}, step('←', 'earlier', () => view.move(-0.5)), step('→', 'later', () => view.move(0.5)),
      step('+', 'zoom in', () => view.zoom(0.5)), step('−', 'zoom out', () => view.zoom(2)),
      step('all', 'the whole run', () => view.all())), says);
}

/// Shares over time of all parts of a kind: their mean and the busiest in each bin.
function overTime(kernel, kind) {
  const paths = kernel.parts.filter((part) => part.kind === kind).map((part) => part.path);
  const {bins} = kernel.pictures;
  const mean = new Float32Array(bins), most = new Float32Array(bins);
  for (const path of paths) {
    const shares = busyShares(kernel, path);
    for (let i = 0; i < bins; ++i) {
      mean[i] += shares[i] / paths.length;
      most[i] = Math.max(most[i], shares[i]);
    }
  }
  return {mean, most, paths};
}

const stripLines = [
  {kind: 'link', which: 'most', name: 'busiest link', color: '--heat3', width: 1.2},
  {kind: 'link', which: 'mean', name: 'links, mean', color: '--heat2', area: true},
  {kind: 'matrix', which: 'mean', name: 'matrix engines, mean', color: '--matrix', width: 1.2},
  {kind: 'hbm', which: 'mean', name: 'HBM, mean', color: '--wait-hbm', width: 1.2},
];

function stripChart(kernel, view) {
  const {bins, bin_ps: width} = kernel.pictures;
  const kinds = {};
  const shares = (line) => (kinds[line.kind] ??= overTime(kernel, line.kind))[line.which];
  const lines = stripLines.filter((line) => shares(line).some((share) => share > 0));
  const {factor, unit} = timeAxis(view.end);
  const values = lines.flatMap((line) => [...Array(bins + 1).keys()].map((bin) =>
    ({line: line.name, at: Math.min(view.end, bin * width) / factor, share: shares(line)[Math.min(bin, bins - 1)]})));
  const figure = chart({
    title: 'Over the whole run', class: 'strip',
    note: 'Share at work, of all parts of a kind. Click to go there, drag to select.',
    plot: (size) => ({
      width: size - 52, height: 74, padding: {left: 40, right: 12, top: 6, bottom: 38},
      signals: [{name: 'from', value: view.from / factor}, {name: 'to', value: view.to / factor}],
      data: [{name: 'values', values}],
      scales: [{name: 'x', type: 'linear', domain: [0, view.end / factor], range: 'width'},
        {name: 'y', type: 'linear', domain: [0, 1], range: 'height'},
        {name: 'c', type: 'ordinal', domain: lines.map((line) => line.name), range: lines.map((line) => colour(line.color))}],
      axes: [{scale: 'x', orient: 'bottom', title: unit, tickCount: 8}, {scale: 'y', orient: 'left', tickCount: 2, format: '%', grid: true, zindex: -1}],
      marks: [
        {type: 'group', from: {facet: {name: 'line', data: 'values', groupby: 'line'}}, marks: [{
          type: 'area', from: {data: 'line'}, encode: {update: {x: {scale: 'x', field: 'at'}, interpolate: {value: 'step-after'},
            y: {scale: 'y', field: 'share'}, y2: {scale: 'y', value: 0}, fill: {scale: 'c', field: 'line'},
            fillOpacity: {signal: "datum.line == 'links, mean' ? 0.55 : 0"}, stroke: {scale: 'c', field: 'line'},
            strokeWidth: {value: 1.1}}}}]},
        {type: 'rect', interactive: false, encode: {update: {x: {scale: 'x', signal: 'from'}, x2: {scale: 'x', signal: 'to'},
          y: {value: -3}, y2: {signal: 'height + 3'}, fill: {value: colour('--selected')}, fillOpacity: {value: 0.1},
          stroke: {value: colour('--selected')}, strokeWidth: {value: 1.2}}}}],
    }),
    ready: (made, plot) => strokes(plot, 40, plot.clientWidth - 52, (a, b, isClick) => {
      const from = a * view.end, to = b * view.end;
      if (!isClick) return view.set(from, to);
      const span = view.span < view.end ? view.span : view.end / 20;
      view.set(from - span / 2, from + span / 2);
    }),
    table: () => table('Share at work over the run', [
      {name: 'from', of: (bin) => bin * width, text: time},
      ...lines.map((line) => ({name: line.name, of: (bin) => shares(line)[bin], text: percent}))],
    [...Array(bins).keys()]),
  });
  view.listeners.push(() => figure.view()?.signal('from', view.from / factor).signal('to', view.to / factor).runAsync());
  figure.append(legend(lines.map(({name, color}) => ({name, color}))));
  return figure;
}

/// Tells where a stroke of the pointer began and ended, as shares of the width from `left` on.
function strokes(plot, left, width, done) {
  const share = (event) => Math.min(1, Math.max(0, (event.clientX - plot.getBoundingClientRect().left - left) / width));
  plot.onpointerdown = (down) => {
    if (down.button !== 0) return;
    plot.setPointerCapture(down.pointerId);
    const a = share(down);
    plot.onpointermove = (move) => {
      if (Math.abs(move.clientX - down.clientX) > 4) done(Math.min(a, share(move)), Math.max(a, share(move)), false);
    };
    plot.onpointerup = (up) => {
      plot.onpointermove = plot.onpointerup = null;
      if (Math.abs(up.clientX - down.clientX) <= 4) done(a, a, true);
    };
  };
}
