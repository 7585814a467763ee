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
  const byHead = headErrors(kernel);
  if (byHead) made.append(byHead);
  return made;
}

/// Errors by rank and head, where the result has them.
function headErrors(kernel) {
  const parts = kernel.result.verdict.parts;
  if (!parts?.length) return null;
  return table('Errors by rank and head', [{name: 'part', of: (one) => one.of},
    {name: 'rel. L2', of: (one) => one.relative_l2, text: scientific}, {name: 'greatest', of: (one) => one.max_error, text: scientific}], parts);
}
