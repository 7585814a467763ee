// Parallel coordinates: a line for each point, through its values of all axes and its figures.
const mostLines = 1500;

function parallelFigure() {
  const lines = () => {
    const points = shown().filter((point) => good(point) && measuresShown().every((figure) => typeof point[figure.name] === 'number'));
    const on = new Set(frontOf(points, [state.x, state.y]));
    const every = Math.ceil(points.length / mostLines);
    return {points: points.filter((point, i) => i % every === 0 || on.has(point)), on};
  };
  // Axes are there in any case.
  const measuresShown = () => [...new Set([state.x, state.y])].filter(({name}) => !page.axes.includes(name));
  /// Where a point crosses an axis, 0 at the bottom to 1 at the top.
  const heights = (points) => [
    ...varied.map((axis) => ({title: shortKey(axis.key), at: (point) => (axis.values.length < 2 ? 0.5 : placeOf(axis, point) / (axis.values.length - 1)),
      marks: axis.texts.map((text, i) => ({at: i / Math.max(1, axis.values.length - 1), text}))
        .filter((mark, i) => i % Math.ceil(axis.values.length / 10) === 0)})),
    ...measuresShown().map((figure) => {
      const values = points.map((point) => point[figure.name]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const log = low > 0 && high / low > 8;
      const share = (value) => (high === low ? 0.5 : log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
      return {title: figure.title, at: (point) => share(point[figure.name]),
        marks: high === low ? [{at: 0.5, text: formats[figure.format](low)}] :
          [0, 0.25, 0.5, 0.75, 1].map((at) => ({at, text: formats[figure.format](log ? low * (high / low) ** at : low + at * (high - low))}))};
    }),
  ];
  const figure = chart({
    title: 'All axes at once', note: 'A line for each point; dark: the Pareto front of the picture above. Filters above leave out lines.', canvas: true,
    plot: (width) => {
      const {points, on} = lines(), across = heights(points), high = 280;
      const wide = width - 150;
      const x = (i) => (across.length < 2 ? wide / 2 : wide * i / (across.length - 1));
      const path = (point) => 'M' + across.map((one, i) => `${x(i).toFixed(1)},${(high * (1 - one.at(point))).toFixed(1)}`).join('L');
      const values = points.map((point) => ({d: path(point), place: point.point, stroke: point === state.selected ? colour('--selected') :
        on.has(point) ? colour('--ink') : colour('--overhead'), width: point === state.selected ? 3 : on.has(point) ? 1.8 : 0.8,
        layer: point === state.selected ? 2 : on.has(point) ? 1 : 0, text: namesOf(point)})).sort((a, b) => a.layer - b.layer);
      const marks = across.flatMap((one, i) => one.marks.map((mark) => ({x: x(i), y: high * (1 - mark.at), text: mark.text})));
      return {
        width: wide, height: high, padding: {left: 75, right: 75, top: 26, bottom: 8},
        data: [{name: 'lines', values}, {name: 'marks', values: marks}, {name: 'axes', values: across.map((one, i) => ({x: x(i), title: one.title}))}],
        marks: [
          {type: 'path', from: {data: 'lines'}, encode: {enter: {path: {field: 'd'}, stroke: {field: 'stroke'}, strokeWidth: {field: 'width'},
            tooltip: {field: 'text'}, cursor: {value: 'pointer'}}}},
          {type: 'rule', from: {data: 'axes'}, interactive: false, encode: {enter: {x: {field: 'x'}, y: {value: 0}, y2: {value: high},
            stroke: {value: colour('--faint')}}}},
          {type: 'text', from: {data: 'axes'}, interactive: false, encode: {enter: {x: {field: 'x'}, y: {value: -12}, align: {value: 'center'},
            text: {field: 'title'}, fontWeight: {value: 'bold'}, limit: {value: Math.max(60, wide / Math.max(1, across.length - 1) - 8)}}}},
          {type: 'text', from: {data: 'marks'}, interactive: false, encode: {enter: {x: {field: 'x', offset: 5}, y: {field: 'y'}, baseline: {value: 'middle'},
            text: {field: 'text'}}}},
        ],
      };
    },
    ready: (view) => view.addEventListener('click', (event, item) => {
      const found = item?.datum?.place && page.points.find((point) => point.point === item.datum.place);
      if (found) state.set({selected: found});
    }),
    table: () => pointsTable('Points in the picture', lines().points),
  });
  return element('section', {id: 'parallel'}, element('h2', {}, 'Every point'), figure);
}
