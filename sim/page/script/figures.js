// The list of all figures of an entry: what each is, in which unit, by which formula, and where the result file has it.
function figureText(figure, result) {
  const value = at(result, figure.key);
  if (value === undefined || value === null || value === '') return '–';
  return formats[figure.format](value);
}
const figureOf = Object.fromEntries(figures.map((figure) => [figure.key, figure]));

function allFigures(kernel) {
  const before = kernel.before?.result;
  const known = figures.filter((figure) => at(kernel.result, figure.key) !== undefined);
  const columns = [
    {name: 'figure', of: (figure) => figure.name},
    {name: 'value', of: (figure) => figureCell(figure, kernel.result)},
    ...(before ? [{name: 'before', of: (figure) => figureCell(figure, before)},
      {name: 'change', of: (figure) => changeText(at(before, figure.key), at(kernel.result, figure.key))}] : []),
    {name: 'unit', of: (figure) => figure.unit, left: true},
    {name: 'formula', of: (figure) => figure.formula, left: true},
    {name: 'key in the result', of: (figure) => element('code', {}, figure.key), left: true},
  ];
  return element('details', {id: 'figures-of-entry'}, element('summary', {}, 'Every figure, with its formula'),
    table(`Figures of ${kernel.label}`, columns, known));
}

function figureCell(figure, result) {
  return element('span', {'data-figure': figure.key, 'data-raw': JSON.stringify(at(result, figure.key)),
    title: JSON.stringify(at(result, figure.key))}, figureText(figure, result));
}

function changeText(before, after) {
  if (typeof before !== 'number' || typeof after !== 'number') return before === after ? '' : 'other';
  if (before === after) return '';
  return before === 0 ? 'new' : signed(after / before - 1);
}
