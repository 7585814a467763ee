// The machine as it lies: PEs and links coloured by their share at work in the window, what goes through the one that is
// selected, and the same as tables.
const metrics = [
  {name: 'matrix engine', parts: (pe) => [pe + '.matrix']}, {name: 'vector engine', parts: (pe) => [pe + '.vector']},
  {name: 'HBM slice', parts: (pe) => [pe.replace(/\.pe(\d+)$/, '.hbm$1')]},
  {name: 'loads', parts: (pe) => [pe + '.dma_load']}, {name: 'stores', parts: (pe) => [pe + '.dma_store']},
];

/// Where PEs stand, in units of a cell, and how links run between them.
function layoutOf(machine) {
  const gap = machine.pes.length > machine.cube_rows * machine.cube_cols ? 0.7 : 0;
  const pes = machine.pes.map(([path, row, col], number) => ({path, number,
    x: col + gap * Math.floor(col / machine.cube_cols), y: row + gap * Math.floor(row / machine.cube_rows)}));
  const links = machine.links.map(([path, from, to, gbytes, die, network = 0], number) => ({path, from, to, gbytes, die, network, number}))
    .filter((link) => link.from !== link.to);
  const last = pes[pes.length - 1];
  return {pes, links, width: last.x + 1, height: Math.max(...pes.map((pe) => pe.y)) + 1};
}

/// A link as a path beside the straight line, each direction on its right, those of further networks beyond; a bow where
/// others lie between.
function linkPath(link, layout, cell) {
  const a = layout.pes[link.from], b = layout.pes[link.to];
  const [ax, ay, bx, by] = [a.x, a.y, b.x, b.y].map((at) => (at + 0.5) * cell);
  const long = Math.hypot(bx - ax, by - ay);
  const [ux, uy] = [(bx - ax) / long, (by - ay) / long];
  const side = cell * (0.09 + 0.06 * link.network), inset = cell * 0.33;
  const [sx, sy] = [ax + ux * inset - uy * side, ay + uy * inset + ux * side];
  const [ex, ey] = [bx - ux * inset - uy * side, by - uy * inset + ux * side];
  if (long < cell * 1.9) return `M${sx},${sy}L${ex},${ey}`;
  const bow = Math.min(cell * 0.9, 0.22 * long);
  return `M${sx},${sy}Q${(sx + ex) / 2 - uy * bow},${(sy + ey) / 2 + ux * bow} ${ex},${ey}`;
}

function meshSection(kernel, view, state) {
  const {machine} = kernel.panel;
  const made = element('section', {id: 'mesh'}, element('h2', {}, 'The machine in a window of time'));
  if (!machine || !kernel.pictures) {
    made.append(element('p', {class: 'note'}, !machine ? 'The machine of this result is not one that this version can draw.' :
      page.comparison ? 'What was where over time is not in result files, and so not here; tilemesh run --report shows it.' :
        'Of this entry no pictures were kept: with many entries, of the fastest of each panel alone.'));
    return made;
  }
  const layout = layoutOf(machine);
  const shareOf = (paths) => paths.reduce((most, path) => Math.max(most, meanIn(kernel, busyShares(kernel, path), view.from, view.to)), 0);
  const peValues = () => layout.pes.map((pe) => ({...pe, share: shareOf(metrics[state.metric].parts(pe.path)),
    selected: state.selected === pe.path}));
  const onRoute = () => new Set(flowsThrough(kernel, state.selected).flatMap((flow) => flow.route));
  const linkValues = () => {
    const routes = onRoute();
    return layout.links.map((link) => ({...link, share: shareOf([link.path]), selected: state.selected === link.path,
      route: routes.has(link.number), d: linkPath(link, layout, layout.cell)}))
      .map((link) => ({...link, text: `${short(link.path)}: ${percent(link.share)} at work of ${rate(link.gbytes)}`}))
      .sort((a, b) => a.share - b.share);
  };
  const side = element('div', {id: 'selection', 'aria-live': 'polite'});
  const figure = chart({
    title: 'PEs and links', note: '', class: 'mesh',
    label: 'Arrow keys go from PE to PE; the button Table shows all shares.',
    plot: (size) => {
      layout.cell = Math.max(14, Math.min(84, (size - 24) / layout.width, 560 / layout.height));
      return meshSpec(layout, peValues(), linkValues());
    },
    ready: (drawn, plot) => {
      drawn.addEventListener('click', (event, item) => {
        if (item?.datum?.path) state.select(item.datum.path);
      });
      plot.tabIndex = 0;
    },
    table: () => element('div', {}, table('PEs in the window', [
      {name: 'PE', of: (pe) => short(pe.path)},
      ...metrics.map((metric) => ({name: metric.name, of: (pe) => shareOf(metric.parts(pe.path)), text: percent}))],
    layout.pes, (row, pe) => row.addEventListener('click', () => state.select(pe.path))),
    table('Links in the window', [
      {name: 'link', of: (link) => short(link.path)}, {name: 'at work', of: (link) => shareOf([link.path]), text: percent},
      {name: 'rate', of: (link) => link.gbytes, text: rate},
      {name: 'bytes, whole run', of: (link) => kernel.part.get(link.path)?.bytes ?? 0, text: bytes}],
    [...layout.links].sort((a, b) => shareOf([b.path]) - shareOf([a.path])),
    (row, link) => row.addEventListener('click', () => state.select(link.path)))),
  });
  const show = () => {
    figure.view()?.data('links', linkValues()).data('pes', peValues()).runAsync();
    side.replaceChildren(...selectionOf(kernel, view, state));
  };
  view.listeners.push(show);
  state.listeners.push(show);
  const metric = element('select', {id: 'mesh-metric', onchange: () => {
    state.metric = metric.selectedIndex;
    show();
  }}, metrics.map(({name}) => element('option', {}, name)));
  const which = element('select', {id: 'mesh-selected', onchange: () => state.select(which.value)},
    element('optgroup', {label: 'PEs'}, layout.pes.map((pe) => element('option', {value: pe.path}, short(pe.path)))),
    element('optgroup', {label: 'Links'}, layout.links.map((link) => element('option', {value: link.path}, short(link.path)))));
  state.listeners.push(() => (which.value = state.selected));
  which.value = state.selected;
  figure.plot.addEventListener('keydown', (event) => moveSelection(event, layout, state));
  side.replaceChildren(...selectionOf(kernel, view, state));
  made.append(stripChart(kernel, view), windowControls(view),
    element('div', {class: 'beside'}, element('div', {}, element('div', {class: 'window'},
      element('label', {}, 'PEs by', metric), element('label', {}, 'selected', which),
      element('span', {class: 'ramp'}, '0 %', element('i', {}), '100 % at work')), figure), side));
  return made;
}

function meshSpec(layout, pes, links) {
  const {cell} = layout;
  const bow = links.some((link) => Math.hypot(layout.pes[link.from].x - layout.pes[link.to].x, layout.pes[link.from].y - layout.pes[link.to].y) > 1.9);
  const heat = {name: 'heat', type: 'linear', domain: [0, 0.33, 0.66, 1], clamp: true,
    range: ['--heat0', '--heat1', '--heat2', '--heat3'].map(colour), interpolate: 'rgb'};
  const margin = bow ? cell * 0.6 : 4;
  const wide = Math.max(2, cell * 0.1);
  return {
    width: layout.width * cell, height: layout.height * cell,
    padding: {left: 4, right: 4, top: margin, bottom: margin},
    data: [{name: 'links', values: links}, {name: 'pes', values: pes}],
    scales: [heat],
    marks: [
      {type: 'path', from: {data: 'links'}, encode: {update: {
        path: {field: 'd'}, fill: {value: null}, strokeCap: {value: 'round'},
        stroke: {signal: `datum.selected ? '${colour('--selected')}' : scale('heat', datum.share)`},
        strokeWidth: {signal: `datum.selected ? ${wide * 1.9} : ${wide}`},
        tooltip: {field: 'text'}, cursor: {value: 'pointer'}}}},
      {type: 'path', from: {data: 'links'}, interactive: false, encode: {update: {
        path: {field: 'd'}, fill: {value: null}, stroke: {value: colour('--selected')}, strokeWidth: {value: wide * 0.55},
        strokeDash: {value: [wide, wide]}, opacity: {signal: 'datum.route && !datum.selected ? 1 : 0'}}}},
      {type: 'rect', from: {data: 'pes'}, encode: {update: {
        x: {signal: `(datum.x + 0.17) * ${cell}`}, y: {signal: `(datum.y + 0.17) * ${cell}`}, width: {value: cell * 0.66},
        height: {value: cell * 0.66}, cornerRadius: {value: Math.min(4, cell * 0.08)}, fill: {scale: 'heat', field: 'share'},
        stroke: {signal: `datum.selected ? '${colour('--selected')}' : '${colour('--rule')}'`},
        strokeWidth: {signal: 'datum.selected ? 3 : 1'}, cursor: {value: 'pointer'},
        tooltip: {signal: "datum.path + ': ' + format(datum.share, '.1%') + ' at work'"}}}},
      ...(cell < 30 ? [] : [{type: 'text', interactive: false, from: {data: 'pes'}, encode: {update: {
        x: {signal: `(datum.x + 0.5) * ${cell}`}, y: {signal: `(datum.y + 0.5) * ${cell}`}, align: {value: 'center'},
        baseline: {value: 'middle'}, text: {field: 'number'}, fontSize: {value: Math.min(12, cell * 0.26)},
        fill: {signal: `datum.share > 0.5 ? '#ffffff' : '${colour('--ink')}'`}}}}]),
    ],
  };
}

function moveSelection(event, layout, state) {
  const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
  const now = layout.pes.find((pe) => pe.path === state.selected) ?? layout.pes[0];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const ahead = layout.pes.filter((pe) => (pe.x - now.x) * step[0] + (pe.y - now.y) * step[1] > 0 &&
    (step[0] ? pe.y === now.y : pe.x === now.x));
  const next = ahead.sort((a, b) => Math.hypot(a.x - now.x, a.y - now.y) - Math.hypot(b.x - now.x, b.y - now.y))[0];
  if (next) state.select(next.path);
}

/// Messages of a PE, or those whose route has a link: [{from, to, count, bytes, route}].
function flowsThrough(kernel, path) {
  const {machine} = kernel.panel;
  const number = machine.pes.findIndex((pe) => pe[0] === path);
  const link = machine.links.findIndex((one) => one[0] === path);
  return kernel.pictures.messages.map(([from, to, count, size, route]) => ({from, to, count, bytes: size, route}))
    .filter((flow) => (number >= 0 ? flow.from === number || flow.to === number : flow.route.includes(link)));
}

function selectionOf(kernel, view, state) {
  const {machine, name} = kernel.panel;
  const flows = flowsThrough(kernel, state.selected);
  const pe = (number) => short(machine.pes[number][0]);
  const isPe = /\.pe\d+$/.test(state.selected);
  const parts = kernel.parts.filter((part) => part.path === state.selected || part.path.startsWith(state.selected + '.') ||
    (isPe && part.path === state.selected.replace(/\.pe(\d+)$/, '.hbm$1')));
  const phases = phasesOf(kernel, state.selected, view);
  return [element('h3', {}, short(state.selected)),
    element('p', {class: 'note'}, `In window: share at work in ${view.text()}. The rest is of the whole run.`),
    parts.length === 0 ? element('p', {}, 'It took no part in the run.') : table(`Parts of ${short(state.selected)}`, [
      {name: 'part', of: (part) => (isPe ? part.path.split('.').pop() : kindName(part.kind))},
      {name: 'in window', of: (part) => meanIn(kernel, busyShares(kernel, part.path), view.from, view.to), text: percent},
      {name: 'bytes', of: (part) => part.bytes, text: bytes},
      {name: 'mostly', of: (part) => mostly(part.classes, 2), wide: true}], parts),
    ...(phases ? [phases] : []),
    flows.length === 0 ? element('p', {class: 'note'}, 'No messages of kernels go through it.') :
      table(`Messages ${isPe ? 'of' : 'through'} ${short(state.selected)}; dashed: their routes`, [
        {name: 'from', of: (flow) => pe(flow.from)}, {name: 'to', of: (flow) => pe(flow.to), left: true},
        {name: 'links', of: (flow) => flow.route.length}, {name: 'messages', of: (flow) => flow.count, text: grouped},
        {name: 'bytes', of: (flow) => flow.bytes, text: bytes}], flows)];
}
