// The points of a design space: what is varied (axes, and the kernel), what was measured (figures), which are best.
const page = JSON.parse(document.getElementById('data').textContent);
const varied = [...page.axes, 'kernel'].map((key) => ({key, values: distinct(page.points.map((point) => point[key]))}))
  .filter((axis) => axis.values.length > 1)
  .map((axis) => ({...axis, texts: textsOf(axis.values), places: new Map(axis.values.map((value, i) => [JSON.stringify(value), i]))}));
/// What differs between points and has a better end: figures, then axes of numbers, of which less costs less.
const measured = [...page.figures.filter((figure) => figure.better),
  ...varied.map(({key}) => ({name: key, title: key, unit: '', format: 'number', better: 'less', meaning: 'an axis of the sweep'}))]
  .filter(({name}) => distinct(page.points.map((point) => point[name]).filter((value) => value !== null)).filter((value) => typeof value === 'number').length > 1);
const good = (point) => point.status === 'ok';

/// Each value once: numbers by size, others in the order in which the sweep file has them.
function distinct(values) {
  const seen = new Map(values.map((value) => [JSON.stringify(value), value]));
  const each = [...seen.values()];
  return each.every((value) => typeof value === 'number') ? each.sort((a, b) => a - b) : each;
}
/// Which of its axis' values a point has: what tells values apart, since texts are short.
const placeOf = (axis, point) => axis.places.get(JSON.stringify(point[axis.key]));
const valueText = (axis, point) => axis.texts[placeOf(axis, point)];
/// The end of a dotted key is what tells it from others: as many words as that takes.
const shortKey = (key) => {
  const words = key.split('.');
  const end = (words, count) => words.slice(-count).join('.');
  let count = 1;
  while (count < words.length && varied.some((axis) => axis.key !== key && end(axis.key.split('.'), count) === end(words, count))) ++count;
  return end(words, count);
};
const namesOf = (point) => varied.map((axis) => `${shortKey(axis.key)} ${valueText(axis, point)}`).join(', ');
const figureText = (figure, point) => {
  const value = point[figure.name], axis = varied.find(({key}) => key === figure.name);
  if (axis) return valueText(axis, point);
  return value === null || value === undefined ? '–' : formats[figure.format](value);
};
const labelOf = (figure) => figure.title + (figure.unit ? `, ${figure.unit}` : '');

/// As a number of which less is better.
const cost = (figure, point) => (figure.better === 'less' ? point[figure.name] : -point[figure.name]);

/// The Pareto front: points of which no other is as good in all figures and better in one. Of equal ones, all.
function frontOf(points, figures) {
  const worth = points.filter((point) => figures.every((figure) => typeof point[figure.name] === 'number'));
  const costs = new Map(worth.map((point) => [point, figures.map((figure) => cost(figure, point))]));
  const dominates = (a, b) => a.every((value, i) => value <= b[i]) && a.some((value, i) => value < b[i]);
  const order = [...worth].sort((a, b) => {
    const [one, other] = [costs.get(a), costs.get(b)];
    const i = one.findIndex((value, k) => value !== other[k]);
    return i < 0 ? 0 : one[i] - other[i];
  });
  const front = [];  // whoever comes later dominates nobody before
  for (const point of order)
    if (!front.some((one) => dominates(costs.get(one), costs.get(point)))) front.push(point);
  return front;
}

/// What is looked at: figures, filters, the point that is selected. Who listens is told of every change.
const state = {
  x: measured.find(({name}) => page.axes.includes(name)) ?? measured[1] ?? measured[0], y: measured[0], colour: varied.find((axis) => axis.key === 'kernel') ?? varied[0],
  columns: varied[varied.length - 1], rows: varied.length > 1 ? varied[0] : null,
  filters: new Map(), selected: null, listeners: [],
  set(changes) {
    Object.assign(state, changes);
    for (const listener of state.listeners) listener();
  },
};
const shown = () => page.points.filter((point) => [...state.filters].every(([axis, place]) => placeOf(axis, point) === place));
const best = (points) => points.filter((point) => good(point) && typeof point[state.y.name] === 'number')
  .reduce((found, point) => (!found || cost(state.y, point) < cost(state.y, found) ? point : found), undefined);

/// A list to choose from; `choose` gets what was chosen.
function choice(label, id, options, chosen, text, choose) {
  const list = element('select', {id, onchange: () => choose(options[list.selectedIndex])},
    options.map((option) => element('option', {selected: option === chosen}, text(option))));
  return element('label', {}, label, list);
}
