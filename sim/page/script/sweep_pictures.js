// Pictures of a design space: one figure against another with the Pareto front, and two axes as a map.
const palette = ['--matrix', '--wait-hbm', '--vector', '--contention', '--queue', '--moving', '--barrier', '--sram', '--overhead', '--wait-neighbour'];
const mostDots = 4000;

/// By the value of an axis: a hue of its own where there are enough, else a step of the ramp.
function colourOf(axis, point) {
  if (!axis) return colour('--matrix');
  const place = placeOf(axis, point), count = axis.values.length;
  const words = axis.values.some((value) => typeof value !== 'number');
  if (count <= 3 || (words && count <= palette.length)) return colour(palette[place]);
  return mixed(place / (count - 1));
}
function mixed(share) {
  const ramp = ['--heat0', '--heat1', '--heat2', '--heat3'].map(colour).map((text) =>
    [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
  const at = Math.min(2.999, 3 * share), low = Math.floor(at);
  return `rgb(${ramp[low].map((from, i) => Math.round(from + (at - low) * (ramp[low + 1][i] - from))).join(',')})`;
}
/// What can be read on a colour (its luminance by ITU-R BT.601).
function inkOn(fill) {
  const [red, green, blue] = fill.match(/\d+/g).map(Number);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? '#15181b' : '#ffffff';
}
/// Of many values some, all along the ramp.
function keyOf(axis) {
  if (!axis) return '';
  const every = Math.ceil(axis.values.length / 24), last = axis.values.length - 1;
  const places = [...axis.values.keys()].filter((place) => place % every === 0 || place === last);
  return element('ul', {class: 'legend'}, places.map((place) =>
    element('li', {style: `--color: ${colourOf(axis, {[axis.key]: axis.values[place]})}`}, axis.texts[place])),
  every > 1 ? `${places.length} of ${axis.values.length} values` : null);
}

/// A scale that fits: logarithmic where values differ much and none is 0.
function scaleOf(name, figure, points, range) {
  const values = points.map((point) => point[figure.name]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low > 0 && high / low > 8 ? {name, type: 'log', domain: [low / 1.15, high * 1.15], range} :
    {name, type: 'linear', domain: [low, high], range, nice: true, zero: false};
}
function axisOf(scale, orient, figure) {
  return {scale, orient, title: labelOf(figure), grid: true, tickCount: 6, labelOverlap: true,
    ...(figure.format === 'time' ? {encode: {labels: {update: {text: {signal: timeLabel}}}}} : {})};
}
// Of picoseconds, as the expressions of the chart library can say it.
const timeLabel = "datum.value >= 1e12 ? format(datum.value / 1e12, '.4~g') + ' s' : datum.value >= 1e9 ? format(datum.value / 1e9, '.4~g') + ' ms' : " +
  "datum.value >= 1e6 ? format(datum.value / 1e6, '.4~g') + ' µs' : datum.value >= 1e3 ? format(datum.value / 1e3, '.4~g') + ' ns' : format(datum.value, '.4~g') + ' ps'";

function frontFigure() {
  const points = () => shown().filter((point) => good(point) && [state.x, state.y].every((figure) => typeof point[figure.name] === 'number'));
  const figure = chart({
    title: 'One figure against another', note: 'Line: the Pareto front, the points that no other is better than in both. Click on a point.',
    label: 'The button Table shows the points of the front.', canvas: true,
    plot: (width) => {
      const all = points(), front = frontOf(all, [state.x, state.y]);
      const on = new Set(front);
      const every = Math.ceil(all.length / mostDots);
      const dots = all.filter((point, i) => i % every === 0 || on.has(point)).map((point) => ({x: point[state.x.name], y: point[state.y.name],
        place: point.point, fill: colourOf(state.colour, point), size: point === state.selected ? 190 : on.has(point) ? 90 : 34,
        edge: point === state.selected ? colour('--selected') : on.has(point) ? colour('--ink') : null,
        text: `${namesOf(point)}\n${state.x.title} ${figureText(state.x, point)}, ${state.y.title} ${figureText(state.y, point)}`}));
      return {
        width: width - 96, height: 320, padding: {left: 84, right: 12, top: 8, bottom: 44},
        data: [{name: 'front', values: front.map((point) => ({x: point[state.x.name], y: point[state.y.name]}))
          .sort((a, b) => a.x - b.x || a.y - b.y)}, {name: 'dots', values: dots}],
        scales: all.length === 0 ? [] : [scaleOf('x', state.x, all, 'width'), scaleOf('y', state.y, all, 'height')],
        axes: all.length === 0 ? [] : [axisOf('x', 'bottom', state.x), axisOf('y', 'left', state.y)],
        marks: all.length === 0 ? [] : [
          {type: 'line', from: {data: 'front'}, encode: {enter: {x: {scale: 'x', field: 'x'}, y: {scale: 'y', field: 'y'},
            stroke: {value: colour('--soft')}, strokeWidth: {value: 1.5}}}},
          {type: 'symbol', from: {data: 'dots'}, encode: {enter: {x: {scale: 'x', field: 'x'}, y: {scale: 'y', field: 'y'},
            size: {field: 'size'}, fill: {field: 'fill'}, stroke: {field: 'edge'}, strokeWidth: {value: 1.5}, opacity: {value: 0.9},
            tooltip: {field: 'text'}, cursor: {value: 'pointer'}}}},
        ],
      };
    },
    ready: (view) => view.addEventListener('click', (event, item) => {
      const found = item?.datum?.place && page.points.find((point) => point.point === item.datum.place);
      if (found) state.set({selected: found});
    }),
    table: () => pointsTable('Points of the Pareto front', frontOf(points(), [state.x, state.y])),
  });
  const made = element('section', {id: 'front'}, element('h2', {}, 'What is gained for what'), element('div', {class: 'window'},
    choice('across', 'front-x', measured, state.x, labelOf, (x) => state.set({x})),
    choice('up', 'front-y', measured, state.y, labelOf, (y) => state.set({y})),
    varied.length > 0 ? choice('colour', 'front-colour', varied, state.colour, (axis) => axis.key, (axis) => state.set({colour: axis})) : null), figure);
  const key = element('div', {});
  const update = () => key.replaceChildren(keyOf(state.colour));
  state.listeners.push(update);
  update();
  made.append(key);
  return made;
}

/// The best point of each pair of values, whatever the other axes are.
function mapCells() {
  const cells = new Map();
  for (const point of shown()) {
    if (!good(point) || typeof point[state.y.name] !== 'number') continue;
    const column = placeOf(state.columns, point), row = state.rows ? placeOf(state.rows, point) : 0;
    const name = `${column} ${row}`, there = cells.get(name);
    if (!there || cost(state.y, point) < cost(state.y, there.point)) cells.set(name, {column, row, point});
  }
  return [...cells.values()];
}

function mapFigure() {
  if (varied.length === 0) return null;
  const rows = () => (state.rows ? state.rows.values : [null]);
  const figure = chart({
    title: 'Two axes, and the best of all others', note: '', label: 'The button Table shows the point of each cell.',
    plot: (width) => {
      const cells = mapCells();
      const values = cells.map(({point}) => point[state.y.name]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const share = (value) => (high === low ? 0 : low > 0 ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
      // Letters of labels are about 6 wide. Places are what the scales go by, labels no more than texts at them.
      const texts = state.rows ? textsOf(state.rows.values, Math.min(longestText, Math.floor(width / 20))) : [''];
      const left = Math.max(150, 40 + 6 * Math.max(...texts.map((text) => text.length))), cell = Math.min(30, Math.max(16, 420 / rows().length));
      const wide = (width - left - 10) / state.columns.values.length;
      const columnTexts = textsOf(state.columns.values, Math.max(10, Math.floor((wide - 4) / 6)));
      const named = (name, words) => ({name, type: 'ordinal', domain: [...words.keys()], range: words});
      const written = (scale) => ({labels: {update: {text: {scale, field: 'value'}}}});
      const shownCells = cells.map(({column, row, point}) => {
        const at = share(point[state.y.name]);
        return {column, row, fill: mixed(at),
          ink: inkOn(mixed(at)), number: wide > 52 ? figureText(state.y, point) : '', place: point.point,
          edge: point === state.selected ? colour('--selected') : colour('--paper'),
          text: `${namesOf(point)}\n${state.y.title} ${figureText(state.y, point)}`};
      });
      return {
        width: width - left - 10, height: cell * rows().length, padding: {left, right: 10, top: 4, bottom: 64},
        data: [{name: 'cells', values: shownCells}],
        scales: [{name: 'x', type: 'band', domain: [...columnTexts.keys()], range: 'width'},
          {name: 'y', type: 'band', domain: [...texts.keys()], range: 'height'},
          named('column text', columnTexts), named('row text', texts)],
        axes: [{scale: 'x', orient: 'bottom', title: shortKey(state.columns.key), labelOverlap: true, labelLimit: Math.max(60, wide),
            encode: written('column text')},
          {scale: 'y', orient: 'left', title: state.rows ? shortKey(state.rows.key) : '', labelLimit: left, maxExtent: left, encode: written('row text')}],
        marks: [
          {type: 'rect', from: {data: 'cells'}, encode: {enter: {x: {scale: 'x', field: 'column'}, width: {scale: 'x', band: 1},
            y: {scale: 'y', field: 'row'}, height: {scale: 'y', band: 1}, fill: {field: 'fill'}, stroke: {field: 'edge'}, strokeWidth: {value: 2},
            tooltip: {field: 'text'}, cursor: {value: 'pointer'}}}},
          {type: 'text', from: {data: 'cells'}, interactive: false, encode: {enter: {x: {scale: 'x', field: 'column', band: 0.5},
            y: {scale: 'y', field: 'row', band: 0.5}, align: {value: 'center'}, baseline: {value: 'middle'}, text: {field: 'number'}, fill: {field: 'ink'}}}},
        ],
      };
    },
    ready: (view) => view.addEventListener('click', (event, item) => {
      const found = item?.datum?.place && page.points.find((point) => point.point === item.datum.place);
      if (found) state.set({selected: found});
    }),
    table: () => pointsTable('The best point of each cell', mapCells().map(({point}) => point)),
  });
  return element('section', {id: 'map'}, element('h2', {}, 'Where the good ones are'), element('div', {class: 'window'},
    choice('across', 'map-columns', varied, state.columns, (axis) => axis.key, (axis) => state.set({columns: axis})),
    varied.length > 1 ? choice('down', 'map-rows', varied, state.rows, (axis) => axis.key, (axis) => state.set({rows: axis})) : null,
    element('span', {class: 'ramp'}, 'low', element('i', {}), 'high')), figure);
}
