// All kernels of a panel side by side; and, for a bench or a comparison, all entries.
function kernelColumns(before) {
  const figure = (key, name) => ({name: name ?? figureOf[key].name.toLowerCase(), title: `${figureOf[key].formula} (${key})`,
    of: (kernel) => (ran(kernel) ? figureCell(figureOf[key], kernel.result) : '–')});
  const was = (key) => ({name: 'before', of: (kernel) => (kernel.before ? figureText(figureOf[key], kernel.before.result) : '–')});
  const change = (key) => ({name: 'change', of: (kernel) => changeText(at(kernel.before?.result, key), at(kernel.result, key))});
  const both = (key, name) => [figure(key, name), ...(before ? [was(key), change(key)] : [])];
  return [
    ...both('cycles'), figure('time_ps'), figure('matrix_utilisation', 'matrix'), figure('hbm_share_of_peak', 'HBM'),
    figure('busiest_link.share_of_peak', 'busiest link'), ...both('machine_distance', 'above machine'),
    figure('schedule_distance', 'above schedule'), {...figure('bound', 'decided by'), left: true},
    {name: 'answer', left: true, of: (kernel) => answerOf(kernel.result)},
  ];
}
function answerOf(result) {
  if (result.status !== 'ok') return element('span', {class: 'bad'}, result.status);
  const {outcome} = result.verdict;
  return element('span', {class: {pass: 'good', fail: 'bad'}[outcome] ?? ''}, {pass: 'right', fail: 'wrong'}[outcome] ?? outcome);
}

function kernelsSection(kernel, choose) {
  const {panel} = kernel;
  const rows = [...panel.kernels].sort((a, b) => (ran(b) - ran(a)) || a.result.time_ps - b.result.time_ps);
  const made = element('section', {id: 'kernels'}, element('h2', {}, 'Kernels side by side'),
    table(`Kernels of ${panel.name}`, [{name: 'kernel', of: (one) => one.label}, ...kernelColumns(panel.kernels.some((one) => one.before))],
      rows, (row, one) => clickable(row, one === kernel, () => choose(one))));
  const failed = rows.filter((one) => !ran(one));
  if (failed.length > 0)
    made.append(...failed.map((one) => element('p', {class: 'note'}, element('strong', {}, one.label + ': '), one.result.error)));
  const chartOf = classesChart(panel, kernel);
  if (chartOf) made.append(chartOf);
  return made;
}
function clickable(row, selected, act) {
  row.classList.add('clickable');
  row.classList.toggle('selected', selected);
  row.tabIndex = 0;
  row.addEventListener('click', act);
  row.addEventListener('keydown', (event) => event.key === 'Enter' && act());
}

/// The account of one kind of part in each kernel, and what it was before.
function classesChart(panel) {
  const kinds = [...new Set(panel.kernels.flatMap((one) => one.sums.filter((sum) => sum.scope === 'machine').map((sum) => sum.kind)))].sort(byKind);
  if (kinds.length === 0) return null;
  const sumOf = (sums, kind) => sums?.find((sum) => sum.scope === 'machine' && sum.kind === kind)?.classes;
  let kind = kinds[0];
  const rows = () => panel.kernels.flatMap((one) => [[one.label, sumOf(one.sums, kind), one.result],
    [one.label + ', before', sumOf(one.before?.sums, kind), one.before?.result]]).filter(([, classes]) => classes)
    .map(([label, classes, result]) => ({label, classes, all: total(classes), time: result.time_ps}));
  const figure = chart({
    title: 'The account of each kernel', note: 'Length is the run’s time, colours divide it as the account does.',
    plot: (size) => {
      const shown = rows();
      const left = Math.min(200, Math.max(...shown.map((one) => one.label.length)) * 7 + 14);
      const {factor, unit} = timeAxis(Math.max(...shown.map((one) => one.time)));
      const values = shown.flatMap((one) => {
        let from = 0;
        return familiesIn(one.classes).map((part, i) => {
          const share = part / one.all;
          const piece = {label: one.label, from, to: from + share * one.time / factor, color: colour(families[i].color),
            text: `${one.label}: ${families[i].name} ${percent(share)}, ${time(share * one.time)}`};
          from = piece.to;
          return piece;
        }).filter((piece) => piece.to > piece.from);
      });
      return {
        width: size - left - 20, height: shown.length * (shown.length > 8 ? 20 : 26), padding: {left, right: 20, top: 4, bottom: 36},
        data: [{name: 'values', values}],
        scales: [{name: 'y', type: 'band', domain: shown.map((one) => one.label), range: 'height', padding: 0.25},
          {name: 'x', type: 'linear', domain: [0, Math.max(...shown.map((one) => one.time)) / factor], range: 'width'}],
        axes: [{scale: 'x', orient: 'bottom', title: unit, tickCount: 6, grid: true},
          {scale: 'y', orient: 'left', domain: false, ticks: false, labelLimit: left - 8, labelPadding: 8}],
        marks: [{type: 'rect', from: {data: 'values'}, encode: {enter: {y: {scale: 'y', field: 'label'}, height: {scale: 'y', band: 1},
          x: {scale: 'x', field: 'from'}, x2: {scale: 'x', field: 'to'}, fill: {field: 'color'}, tooltip: {field: 'text'}}}}],
      };
    },
    table: () => {
      const shown = rows();
      const names = [...new Set(shown.flatMap((one) => Object.keys(one.classes)))];
      return table(`Account of ${kindName(kind)}: shares of each run`, [{name: 'kernel', of: (one) => one.label},
        ...names.map((name) => ({name, of: (one) => (one.classes[name] ?? 0) / one.all, text: percent}))], shown);
    },
  });
  const pick = element('select', {id: 'classes-kind', onchange: () => {
    kind = pick.value;
    figure.update();
  }}, kinds.map((one) => element('option', {value: one}, kindName(one))));
  figure.firstElementChild.after(element('label', {}, 'of the', pick));
  figure.append(legend(families));
  return figure;
}

/// A bench: a line for each panel, as its closing table has it.
function panelsSection(current, choose) {
  const lines = page.panels.map((panel) => ({panel, best: fastest(panel)}));
  const of = (key, name) => ({name: name ?? figureOf[key].name.toLowerCase(), title: figureOf[key].formula, of: ({best}) => (best ? figureText(figureOf[key], best.result) : '–')});
  return element('section', {id: 'panels'}, element('h2', {}, `${page.name}: ${page.panels.length} panels`),
    table('Panels, each with its fastest kernel', [{name: 'panel', of: ({panel}) => panel.name},
      {name: 'fastest kernel', of: ({best}) => best?.label ?? 'none', left: true}, of('cycles'), of('time_ps'), of('matrix_utilisation', 'matrix'),
      of('machine_distance', 'above machine'), of('schedule_distance', 'above schedule'), {...of('bound'), left: true},
      {name: 'answers', of: ({panel}) => `${panel.kernels.filter(good).length} of ${panel.kernels.length} good`}],
    lines, (row, {panel, best}) => clickable(row, panel === current.panel, () => choose(best ?? panel.kernels[0]))));
}

/// A comparison: what moved, worst first.
function comparisonSection(current, choose) {
  const {comparison} = page;
  const count = (outcome) => comparison.entries.filter((entry) => entry.outcome === outcome).length;
  const words = [['worse', 'worse'], ['better', 'better'], ['changed', 'changed otherwise'], ['new', 'new']]
    .map(([outcome, word]) => [count(outcome), word]).filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  const rows = comparison.entries.flatMap((entry) => (entry.differences.length ? entry.differences : [{what: 'configuration', before: '', after: ''}])
    .filter((one, i) => one.primary || i < 4).map((one, i) => ({entry, one, first: i === 0})));
  const configurations = new Map();
  for (const entry of comparison.entries)
    for (const change of entry.configuration) configurations.set(change, [...(configurations.get(change) ?? []), entry.label]);
  const find = (entry) => page.panels.find((panel) => panel.name === entry.panel)?.kernels.find((kernel) => kernel.label === entry.label);
  return element('section', {id: 'comparison'}, element('h2', {}, 'What moved'),
    element('p', {class: 'lead'}, element('span', {class: comparison.fails ? 'bad' : 'good'}, comparison.fails ? 'It got worse. ' : 'Nothing got worse. '),
      `${comparison.compared} entries on both sides, ${comparison.same} the same` + (words.length ? `, ${words.join(', ')}.` : '.')),
    element('p', {class: 'note'}, `${comparison.files[0]} → ${comparison.files[1]}`),
    rows.length === 0 ? '' : table('Differences, worst first', [
      {name: 'entry', of: ({entry, first}) => (first ? `${entry.panel} / ${entry.label}` : '')},
      {name: 'outcome', of: ({entry, first}) => (first ? element('span', {class: {worse: 'bad', better: 'good'}[entry.outcome] ?? ''}, entry.outcome) : ''), left: true},
      {name: 'what', of: ({one}) => element('span', {title: one.meaning}, one.what), left: true}, {name: 'before', of: ({one}) => one.before},
      {name: 'after', of: ({one}) => one.after},
      {name: 'change', of: ({one}) => element('span', {class: one.fails ? 'bad' : ''}, one.change ? signed(one.change) : '')}],
    rows, (row, {entry}) => {
      const kernel = find(entry);
      if (kernel) clickable(row, kernel === current, () => choose(kernel));
    }),
    configurations.size === 0 ? '' : table('Changes of the configuration', [
      {name: 'key', of: ([change]) => element('code', {}, change)},
      {name: 'entries', of: ([, labels]) => (labels.length === comparison.entries.length ? 'all' : labels.join(', ')), wide: true}],
    [...configurations]));
}
