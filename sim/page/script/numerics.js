// How right the answers are: every kernel of the panel against the f64 reference.
function numericsSection(kernel) {
  const rows = kernel.panel.kernels.filter((one) => ran(one) && one.result.verdict.outcome !== 'values not computed');
  const made = element('section', {id: 'numerics'}, element('h2', {}, 'Numerics'));
  if (rows.length === 0) {
    made.append(element('p', {class: 'note'}, 'No values were computed in this run.'));
    return made;
  }
  const of = (key, name) => ({name, title: `${figureOf[key].formula} (${key})`, of: (one) => figureCell(figureOf[key], one.result)});
  made.append(element('p', {class: 'note'}, 'An error of 1 unit is what correct arithmetic of these types errs on these inputs; ' +
    'the worst place is the one nearest to its limit, or furthest beyond.'),
  table('Errors against the f64 reference', [{name: 'kernel', of: (one) => one.label},
    {name: 'answer', of: (one) => answerOf(one.result), left: true}, of('verdict.relative_l2', 'rel. L2'), of('verdict.tolerance', 'allowed'),
    of('verdict.max_error', 'greatest'), of('verdict.lse_error', 'of lse'),
    {name: 'units', of: (one) => one.result.verdict.units.error, text: digits, title: 'verdict.units.error'},
    {name: 'allowed', of: (one) => one.result.verdict.units.allowed, text: digits, title: 'verdict.units.allowed'},
    {name: 'worst place', of: (one) => one.result.verdict.units.of || '–', left: true}, of('verdict.rows_checked', 'rows')], rows));
  const byPart = errorsChart(kernel);
  if (byPart) made.append(byPart);
  return made;
}

/// Errors by head and rank, where they were looked at one by one: bars against what is allowed for all rows.
function errorsChart(kernel) {
  const parts = kernel.pictures?.errors;
  if (!parts?.length) return null;
  const {tolerance} = kernel.result.verdict;
  const known = (value) => typeof value === 'number';
  const end = Math.max(tolerance || 0, ...parts.map((one) => (known(one.relative_l2) ? one.relative_l2 : 0))) * 1.05;
  const values = parts.map((one) => ({...one, shown: known(one.relative_l2) ? one.relative_l2 : end, good: one.relative_l2 <= tolerance,
    text: `${one.of}: rel. L2 ${scientific(one.relative_l2)}, greatest ${scientific(one.max_error)}, ${grouped(one.rows)} rows`}));
  return chart({
    title: `Errors of ${kernel.label} by head and rank`, note: 'Relative L2 error; the line is what is allowed for all rows together.',
    plot: (size) => ({
      width: size - 70, height: 110, padding: {left: 58, right: 12, top: 8, bottom: 44},
      data: [{name: 'values', values}],
      scales: [{name: 'x', type: 'band', domain: parts.map((one) => one.of), range: 'width', padding: 0.25},
        {name: 'y', type: 'linear', domain: [0, end], range: 'height'}],
      axes: [{scale: 'x', orient: 'bottom', labelOverlap: true, labelAngle: parts.length > 16 ? -40 : 0,
        labelAlign: parts.length > 16 ? 'right' : 'center'},
      {scale: 'y', orient: 'left', tickCount: 3, format: '.1e', grid: true}],
      marks: [{type: 'rect', from: {data: 'values'}, encode: {enter: {x: {scale: 'x', field: 'of'}, width: {scale: 'x', band: 1},
        y: {scale: 'y', field: 'shown'}, y2: {scale: 'y', value: 0}, tooltip: {field: 'text'},
        fill: {signal: `datum.good ? datum.of[0] === 'h' ? '${colour('--matrix')}' : '${colour('--vector')}' : '${colour('--bad')}'`}}}},
      {type: 'rule', encode: {enter: {x: {value: 0}, x2: {signal: 'width'}, y: {scale: 'y', value: tolerance},
        stroke: {value: colour('--ink')}, strokeDash: {value: [4, 3]}}}}],
    }),
    table: () => table('Errors by head and rank', [{name: 'part', of: (one) => one.of},
      {name: 'rel. L2', of: (one) => one.relative_l2, text: scientific}, {name: 'greatest', of: (one) => one.max_error, text: scientific},
      {name: 'rows', of: (one) => one.rows, text: grouped}], parts),
  });
}
