// What the engines of one PE did in the window: shares of bins, and single commands where the data has them. The level of
// detail was decided when the page was made, so that there are never more rectangles than a screen has columns.
const mostBars = 6000;

function lanesFor(kernel, state) {
  const chosen = state.selected;
  if (!/\.pe\d+$/.test(chosen)) return [chosen];
  const own = kernel.parts.filter((part) => part.path.startsWith(chosen + '.') && part.kind !== 'processor');
  const slice = chosen.replace(/\.pe(\d+)$/, '.hbm$1');
  return [...own.sort((a, b) => byKind(a.kind, b.kind)).map((part) => part.path), ...(kernel.part.has(slice) ? [slice] : [])];
}
const laneName = (path) => path.split('.').pop();

/// Single commands of a lane in the window; null when the data has none there, or too many.
function commandsIn(kernel, path, view) {
  const {until_ps: until} = kernel.pictures.slices;
  const slices = slicesOf(kernel).get(path);
  if (!slices || (until !== null && view.to > until)) return null;
  let low = 0, high = slices.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (slices[middle].end <= view.from) low = middle + 1;
    else high = middle;
  }
  const seen = [];
  for (let i = low; i < slices.length && slices[i].begin < view.to; ++i) {
    if (seen.length >= 600) return null;
    seen.push(slices[i]);
  }
  return seen;
}

/// Where single commands are to be seen.
function keptCommands(kernel) {
  const {every, until_ps: until, lanes} = kernel.pictures.slices;
  if (lanes.length === 0) return '';
  const pes = kernel.panel.machine?.pes.length ?? 0;
  const which = every === 1 ? 'every PE' : every >= pes ? `PE ${pes - 1}` : `one PE in ${every}, from PE ${(pes - 1) % every} on`;
  return `Zoomed in, single commands of ${which}${until === null ? '' : `, until ${time(until)}`}.`;
}

function binsIn(kernel, path, view, columns) {
  const {bins, bin_ps: width} = kernel.pictures;
  const rows = lanesOf(kernel).get(path) ?? [];
  const first = Math.floor(view.from / width), last = Math.min(bins, Math.ceil(view.to / width));
  const merged = Math.max(1, Math.ceil((last - first) / columns));
  const bars = [];
  for (let bin = first; bin < last; bin += merged) {
    const from = bin * width, to = Math.min((bin + merged) * width, view.end);
    const sums = families.map(() => 0);
    for (const {name, shares} of rows) sums[familyNumber[familyOf(name)]] += meanIn(kernel, shares, from, to);
    const all = Math.max(1, sums.reduce((a, b) => a + b, 0));
    let top = 0;
    sums.forEach((share, i) => {
      if (share < 0.004 || families[i].id === 'idle') return;
      const before = bars.findLast?.((one) => one.family === i);
      if (before && before.to === from && before.top === top && Math.abs(before.share - share / all) < 1e-3) before.to = to;
      else bars.push({family: i, from, to, top, share: share / all});
      top += share / all;
    });
  }
  return bars;
}

function laneBars(kernel, paths, view, columns) {
  const values = [];
  const colours = families.map((family) => colour(family.color));
  let detailed = 0;
  paths.forEach((path, lane) => {
    for (const one of binsIn(kernel, path, view, columns))
      values.push({...one, lane, color: colours[one.family],
        text: `${laneName(path)}: ${families[one.family].name} ${percent(one.share)}\nof ${time(one.from)} to ${time(one.to)}`});
    const commands = commandsIn(kernel, path, view);
    if (!commands) return;
    ++detailed;
    for (const one of commands)
      values.push({lane, from: one.begin, to: one.end, top: 0, share: 1, edge: 1, color: colours[familyNumber[familyOf(one.name)]],
        text: `${laneName(path)}: ${one.name}\n${time(one.begin)} to ${time(one.end)}, ${time(one.end - one.begin)}`});
  });
  return {values: values.slice(0, mostBars), detailed};
}

function lanesSection(kernel, view, state) {
  if (!kernel.pictures) return null;
  const made = element('section', {id: 'lanes'}, element('h2', {}, 'Engines over time'));
  const path = kernel.result.critical_path;
  const lane = 26;
  let paths = [];
  let detailed = 0;
  const only = element('input', {type: 'checkbox', id: 'path-only', onchange: () => figure.update()});
  const values = (columns) => {
    const segments = path ? pathBars(kernel, paths, view) : [];
    const all = only.checked ? {values: [], detailed: 0} : laneBars(kernel, paths, view, columns);
    detailed = all.detailed;
    return {bars: all.values, segments};
  };
  const says = () => `${only.checked ? 'The critical path alone' : short(state.selected)}: ${view.text()}. ` +
    (only.checked ? '' : detailed > 0 ? 'Single commands, and between them what was waited for.' : `Shares of bins of ${time(kernel.pictures.bin_ps)}. ${keptCommands(kernel)}`);
  const note = element('p', {class: 'note', 'aria-live': 'polite'});
  const figure = chart({
    title: 'Lanes', class: 'lanes', canvas: true, note: 'Drag moves the window, Ctrl and the wheel zoom.',
    plot: (size) => {
      paths = only.checked ? pathComponents(kernel) : lanesFor(kernel, state);
      figure.lanes = paths.join();
      const {bars, segments} = values(Math.floor((size - 140) / 3));
      note.textContent = says();
      return laneSpec(size, lane, paths, view, bars, segments, only.checked);
    },
    ready: (drawn, plot) => dragLanes(plot, view),
    table: () => lanesTable(kernel, paths, view),
  });
  const show = () => {
    const now = (only.checked ? pathComponents(kernel) : lanesFor(kernel, state)).join();
    const drawn = figure.view();
    if (now !== figure.lanes || !drawn) return figure.update();
    const {bars, segments} = values(Math.floor((figure.plot.clientWidth - 140) / 3));
    const {factor, unit} = timeAxis(view.span);
    if (unit !== figure.unit) {
      figure.unit = unit;
      return figure.update();
    }
    drawn.signal('from', view.from / factor).signal('to', view.to / factor).signal('factor', factor)
      .data('bars', bars).data('segments', segments).runAsync();
    note.textContent = says();
  };
  figure.unit = timeAxis(view.span).unit;
  view.listeners.push(show);
  state.listeners.push(show);
  made.append(note, legend(families.filter((family) => family.id !== 'idle')));
  if (path) made.append(element('label', {}, only, 'only the critical path'));
  made.append(windowControlsAgain(view), figure);
  return made;
}

/// The window is moved above; here are its buttons again.
function windowControlsAgain(view) {
  const step = (name, label, act) => element('button', {'aria-label': label + ' (lanes)', title: label, onclick: act}, name);
  return element('span', {class: 'tabs', role: 'group', 'aria-label': 'Window of the lanes', style: 'margin: .4rem 0'},
    step('←', 'earlier', () => view.move(-0.5)), step('→', 'later', () => view.move(0.5)), step('+', 'zoom in', () => view.zoom(0.5)),
    step('−', 'zoom out', () => view.zoom(2)), step('all', 'the whole run', () => view.all()));
}

function laneSpec(size, lane, paths, view, bars, segments, only) {
  const {factor, unit} = timeAxis(view.span);
  // Whole pixels, so that there are no seams between bins; at least one.
  const x = (field) => `round(scale('x', clamp(datum.${field} / factor, from, to)))`;
  return {
    width: size - 140, height: Math.max(1, paths.length) * lane, padding: {left: 128, right: 12, top: 4, bottom: 38},
    signals: [{name: 'from', value: view.from / factor}, {name: 'to', value: view.to / factor}, {name: 'factor', value: factor}],
    data: [{name: 'bars', values: bars}, {name: 'segments', values: segments},
      {name: 'names', values: paths.map((path, i) => ({lane: i, name: only ? short(path) : laneName(path)}))}],
    scales: [{name: 'x', type: 'linear', domain: [{signal: 'from'}, {signal: 'to'}], range: 'width', zero: false, nice: false}],
    axes: [{scale: 'x', orient: 'bottom', title: unit, tickCount: 8, labelFlush: true}],
    marks: [
      {type: 'rect', from: {data: 'names'}, interactive: false, encode: {update: {x: {value: 0}, width: {signal: 'width'},
        y: {signal: `datum.lane * ${lane} + 2`}, height: {value: lane - 5}, fill: {value: colour('--idle')}}}},
      {type: 'rect', from: {data: 'bars'}, clip: true, encode: {update: {x: {signal: x('from')},
        x2: {signal: `max(${x('from')} + 1, ${x('to')})`},
        y: {signal: `datum.lane * ${lane} + 2 + (${lane - 5}) * (1 - datum.top - datum.share)`},
        height: {signal: `(${lane - 5}) * datum.share`}, fill: {field: 'color'}, stroke: {value: colour('--paper')}, strokeWidth: {signal: 'datum.edge ? 0.4 : 0'}, tooltip: {field: 'text'}}}},
      {type: 'rect', from: {data: 'segments'}, clip: true, encode: {update: {x: {signal: x('from')},
        x2: {signal: `max(${x('from')} + 1, ${x('to')})`},
        y: {signal: only ? `datum.lane * ${lane} + 2` : `datum.lane * ${lane} + ${lane - 5}`}, height: {value: only ? lane - 5 : 4},
        fill: {field: 'color'}, tooltip: {field: 'text'}}}},
      {type: 'text', from: {data: 'names'}, interactive: false, encode: {update: {x: {value: -8}, align: {value: 'right'},
        y: {signal: `datum.lane * ${lane} + ${lane / 2}`}, baseline: {value: 'middle'}, text: {field: 'name'}, limit: {value: 118}}}},
    ],
  };
}

function dragLanes(plot, view) {
  plot.onpointerdown = (down) => {
    if (down.button !== 0) return;
    plot.setPointerCapture(down.pointerId);
    const {from, to, span} = view;
    plot.onpointermove = (move) => {
      const by = (down.clientX - move.clientX) / (plot.clientWidth - 140) * span;
      view.set(from + by, to + by);
    };
    plot.onpointerup = () => (plot.onpointermove = plot.onpointerup = null);
  };
  plot.onwheel = (wheel) => {
    if (!wheel.ctrlKey && !wheel.metaKey) return;
    wheel.preventDefault();
    const share = (wheel.clientX - plot.getBoundingClientRect().left - 128) / (plot.clientWidth - 140);
    view.zoom(1.002 ** wheel.deltaY, view.from + share * view.span);
  };
}

function lanesTable(kernel, paths, view) {
  const rows = paths.map((path) => {
    const sums = families.map(() => 0);
    for (const {name, shares} of lanesOf(kernel).get(path) ?? [])
      sums[familyNumber[familyOf(name)]] += meanIn(kernel, shares, view.from, view.to);
    return {path, sums};
  });
  return table(`Shares of the window: ${view.text()}`, [{name: 'part', of: (row) => short(row.path)},
    ...families.map((family, i) => ({name: family.name, of: (row) => row.sums[i], text: percent}))], rows);
}
