// The first thing to read: how long, whether right, what decided, how far from what is possible; and in one sentence.
function tile(key, result, small, first) {
  const figure = figureOf[key];
  return element('div', {class: 'figure' + (first ? ' first' : ''), title: `${figure.formula} (${figure.key})`},
    element('dt', {}, figure.name), element('dd', {}, figureCell(figure, result), small ? element('small', {}, small) : null));
}

function outcomeTile(result) {
  const {verdict} = result;
  const words = {pass: ['right', 'good'], fail: ['wrong', 'bad']}[verdict.outcome] ?? ['not computed', ''];
  const small = verdict.outcome === 'values not computed' ? 'no values in this run'
    : `rel. L2 ${formats.scientific(verdict.relative_l2)}, allowed ${formats.scientific(verdict.tolerance)}`;
  return element('div', {class: 'figure', title: figureOf['verdict.outcome'].formula}, element('dt', {}, 'Answer'),
    element('dd', {class: words[1], 'data-figure': 'verdict.outcome', 'data-raw': JSON.stringify(verdict.outcome)},
      words[0], element('small', {}, small)));
}

function sentenceOf(kernel) {
  const {result, panel} = kernel;
  const best = fastest(panel);
  if (!best || best === kernel || !ran(kernel)) return panel.sentence;
  const slower = result.time_ps / best.result.time_ps;
  const more = slower < 1.1 ? `${percent(slower - 1)} longer than` : `${digits(slower)}× as long as`;
  return `${kernel.label} takes ${more} ${best.label}. ${panel.sentence}`;
}

function verdictSection(kernel) {
  const {result, panel} = kernel;
  const made = element('section', {id: 'verdict', 'aria-labelledby': 'verdict-title'},
    element('h2', {id: 'verdict-title'}, kernel.label), element('p', {class: 'note'}, panel.description));
  if (!ran(kernel)) {
    const why = result.status === 'not possible' ? 'This kernel cannot run the panel’s problem.' :
      `This entry ${result.status === 'crashed' ? 'crashed' : result.status}: it has no figures.`;
    made.append(element('p', {class: 'lead bad'}, why), element('pre', {}, result.error || 'no reason is known'));
    if (panel.sentence) made.append(element('p', {}, panel.sentence));
    return made;
  }
  const binding = (bound) => (bound.binding ? `${time(bound.time_ps)}, ${bound.binding}` : 'no bound is known');
  made.append(element('dl', {class: 'figures'},
    tile('cycles', result, `${time(result.time_ps)} at ${digits(result.clock_ghz)} GHz` +
      (panel.layers > 1 ? `; ×${panel.layers} layers ${time(result.time_ps * panel.layers)}` : ''), true),
    outcomeTile(result), tile('bound', result, 'most of the last PE’s time'),
    result.machine_bound.binding ? tile('machine_distance', result, binding(result.machine_bound)) : null,
    result.schedule_bound.binding ? tile('schedule_distance', result, binding(result.schedule_bound)) : null,
    tile('matrix_utilisation', result, digits(result.tflops_per_s) + ' TFLOP/s useful'),
    tile('hbm_share_of_peak', result, rate(result.hbm_gbytes_per_s)),
    result.busiest_link.path ? tile('busiest_link.share_of_peak', result, short(result.busiest_link.path)) : null));
  made.append(element('p', {class: 'lead'}, [sentenceOf(kernel), kernel.first].filter(Boolean).join(' ')));
  if (result.verdict.why) made.append(element('p', {class: 'bad'}, result.verdict.why));
  if (result.note) made.append(element('p', {class: 'note'}, result.note));
  for (const {regime, evidence, doubt} of result.cautions)
    made.append(element('p', {class: 'note'}, element('strong', {class: 'warn'}, 'Less certain: '),
      `${regime}, ${evidence}; ${doubt}.`));
  made.append(allFigures(kernel));
  return made;
}
