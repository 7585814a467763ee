// Puts the page of a design space together: sentence, filters, pictures, the point that is selected, tables.
const content = document.getElementById('content');
const mostRows = 400;
const known = page.figures.filter((figure) => page.points.some((point) => point[figure.name]));  // a 0 in all is no news

function pointsTable(caption, points) {
  const some = points.slice(0, mostRows);
  const rest = points.length > some.length ? `, the first ${grouped(some.length)} of ${grouped(points.length)}` : '';
  return table(caption + rest, [
    ...(varied.length === 0 ? [{name: 'kernel', of: (point) => point.kernel}] : varied.map((axis, i) =>
      ({name: shortKey(axis.key), title: axis.key, of: (point) => (i === 0 ? valueText(axis, point) : point[axis.key]),
        text: (value) => valueText(axis, {[axis.key]: value})}))),
    ...known.map((figure) =>
      ({name: figure.title, title: `${figure.meaning} (${figure.name})`, of: (point) => point[figure.name], left: figure.format === 'word',
        text: (value) => (value === null || value === undefined ? '–' : formats[figure.format](value))})),
  ], some, (row, point) => {
    row.classList.add('clickable');
    row.tabIndex = 0;
    row.dataset.point = point.point;
    row.classList.toggle('selected', point === state.selected);
    const choose = () => state.set({selected: point});
    row.addEventListener('click', choose);
    row.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') choose();
    });
  });
}

function verdict() {
  const counts = new Map();
  for (const {status} of page.points) counts.set(status, (counts.get(status) ?? 0) + 1);
  const words = {missing: 'not run yet'};
  const fastest = best(shown());
  return element('section', {id: 'verdict'}, element('h2', {}, page.sweep), page.description ? element('p', {class: 'note'}, page.description) : null,
    element('p', {class: 'lead'}, `${grouped(page.points.length)} points: ` +
      [...counts].map(([status, count]) => `${grouped(count)} ${words[status] ?? status}`).join(', ') + '. ' +
      (fastest ? `Best in ${state.y.title}${state.filters.size ? ' of those shown' : ''}: ${namesOf(fastest)}, with ${figureText(state.y, fastest)}` +
        (fastest.bound ? `, ${fastest.bound}-bound.` : '.') : 'Nothing to compare.')),
    element('div', {class: 'window', id: 'filters'}, varied.map((axis) =>
      choice(shortKey(axis.key), `filter-${axis.key}`, [-1, ...axis.values.keys()], state.filters.get(axis) ?? -1,
        (place) => (place < 0 ? 'all' : axis.texts[place]), (place) => {
          if (place < 0) state.filters.delete(axis);
          else state.filters.set(axis, place);
          state.set({});
        }))));
}

function selection() {
  const point = state.selected;
  if (!point) return element('section', {id: 'point'}, element('p', {class: 'note'}, 'No point has a result.'));
  const settings = Object.fromEntries(page.axes.map((key) => [key, point[key]]));
  return element('section', {id: 'point'}, element('h2', {}, 'The point that is selected'), element('p', {class: 'lead'}, namesOf(point) || point.kernel),
    point.reason ? element('p', {class: 'bad'}, point.reason) : null,
    element('dl', {class: 'figures'}, known.filter((figure) => point[figure.name] !== null && point[figure.name] !== undefined).map((figure) =>
      element('div', {class: 'figure', title: figure.meaning}, element('dt', {}, figure.title),
        element('dd', {'data-figure': figure.name, 'data-raw': JSON.stringify(point[figure.name])}, figureText(figure, point))))),
    point.repeat ? [element('p', {class: 'note'}, 'To run it again:'), element('pre', {tabindex: 0}, point.repeat)] : [],
    element('details', {}, element('summary', {}, 'Its panel: this one, with these values'),
      element('pre', {tabindex: 0}, JSON.stringify(settings, null, 1)), element('pre', {tabindex: 0}, JSON.stringify(page.panel, null, 1))));
}

function pointsSection() {
  const order = shown().filter((point) => good(point) && typeof point[state.y.name] === 'number').sort((a, b) => cost(state.y, a) - cost(state.y, b));
  const without = shown().filter((point) => !good(point));
  return element('section', {id: 'points'}, element('h2', {}, 'Points'), pointsTable(`By ${state.y.title}, the best first`, order),
    without.length === 0 ? null : table('Without a result that counts', [{name: 'point', of: namesOf}, {name: 'status', of: (point) => point.status, left: true},
      {name: 'reason', of: (point) => point.reason || '–', wide: true}, {name: 'to run it again', of: (point) => element('code', {}, point.repeat), left: true}],
    without.slice(0, mostRows)));
}

/// Sections of which the content depends on the state; pictures draw themselves again.
const changing = [verdict, selection, pointsSection];
function showAll() {
  if (measured.length === 0) {
    content.replaceChildren(element('section', {}, element('h2', {}, page.sweep), element('p', {}, 'No point has been run yet.')));
    document.documentElement.dataset.drawn = 'true';
    return;
  }
  state.selected = best(page.points) ?? null;
  const made = changing.map((make) => make());
  charts.clear();
  content.replaceChildren(made[0], ...[frontFigure(), mapFigure(), parallelFigure(), made[1], made[2]].filter(Boolean));
  const figures = [...content.querySelectorAll('figure.chart')];
  figures.forEach((figure) => charts.add(figure));
  state.listeners.push(() => {
    const focused = document.activeElement?.id;
    changing.forEach((make, i) => {
      const fresh = make();
      made[i].replaceWith(fresh);
      made[i] = fresh;
    });
    if (focused) document.getElementById(focused)?.focus();
    drawAll();
  });
  drawNext(figures);
}

document.getElementById('top').replaceChildren(element('h1', {}, page.sweep, element('small', {}, 'tilemesh ' + page.tool.version)), themeChoice());
document.getElementById('end').append('Everything here is in this file; figures are those of the results, each with its meaning where the pointer rests.');
document.title = page.sweep;
showAll();
