// The critical path, and what a faster part would win: sections for results that have them.
const segmentsOf = (kernel) => kernel.result.critical_path?.segments ?? [];
const pathComponents = (kernel) => [...new Set(segmentsOf(kernel).map((one) => one.component))].slice(0, 40);

/// Segments on these lanes in the window; what is too short to be seen is joined with its neighbour.
function pathBars(kernel, paths, view) {
  const lanes = new Map(paths.map((path, lane) => [path, lane]));
  const bars = [];
  for (const one of segmentsOf(kernel)) {
    const lane = lanes.get(one.component);
    if (lane === undefined || one.end_ps <= view.from || one.begin_ps >= view.to) continue;
    const last = bars[bars.length - 1];
    if (last && last.lane === lane && one.begin_ps - last.to < view.span / 2000) last.to = one.end_ps;
    else bars.push({lane, from: one.begin_ps, to: one.end_ps, color: colour('--heat3'), text: `on the critical path: ${one.class}` +
      `${one.phase ? ', ' + one.phase : ''}\n${time(one.begin_ps)} to ${time(one.end_ps)}`});
  }
  return bars.slice(0, mostBars);
}

/// The phases of a kernel that the critical path passes in a part, in the window.
function phasesOf(kernel, path, view) {
  const times = new Map();
  for (const one of segmentsOf(kernel)) {
    if (one.component !== path && !one.component.startsWith(path + '.')) continue;
    const part = Math.min(one.end_ps, view.to) - Math.max(one.begin_ps, view.from);
    const name = one.phase || 'no phase';
    if (part > 0) times.set(name, (times.get(name) ?? 0) + part);
  }
  if (times.size === 0) return null;
  return table('Phases on the critical path, in the window', [{name: 'phase', of: ([name]) => name},
    {name: 'time', of: ([, part]) => part, text: time}], [...times].sort((a, b) => b[1] - a[1]));
}

function pathSection(kernel) {
  const path = kernel.result.critical_path;
  if (!path && page.panels.length > 1) return null;
  if (!path) return element('section', {id: 'path'}, element('h2', {}, 'The critical path'), element('p', {class: 'note'},
    'This run was not followed: ', element('code', {}, 'tilemesh run PANEL --explain --report FILE.html'),
    ' adds the chain of work and waits that decided the time of the fastest kernel, and what a faster machine would win.'));
  const end = kernel.result.time_ps;
  const sums = {};
  for (const one of path.shares) sums[one.class] = (sums[one.class] ?? 0) + one.time_ps;
  return element('section', {id: 'path'}, element('h2', {}, 'The critical path'),
    element('p', {class: 'lead'}, path.sentence), bar(sums, 'Critical path'),
    table('What the critical path is made of', [
      {name: 'class', of: (one) => one.class}, {name: 'part', of: (one) => short(one.component), left: true},
      {name: 'phase', of: (one) => one.phase || '–', left: true}, {name: 'time', of: (one) => one.time_ps, text: time},
      {name: 'of the run', of: (one) => one.time_ps / end, text: percent}],
    [...path.shares].sort((a, b) => b.time_ps - a.time_ps)));
}

function whatIfSection(kernel) {
  const changes = kernel.result.what_if;
  if (!changes?.length) return null;
  const now = kernel.result.time_ps;
  const change = (ps) => (ps === undefined || ps === null ? '–' : `${time(ps)} (${signed(ps / now - 1)})`);
  // What cannot be run takes no time, whatever was estimated; what nobody knows comes before it, at the end.
  const taken = (one) => (one.impossible ? undefined : one.proved_ps ?? one.estimated_ps);
  const place = (one) => taken(one) ?? (one.impossible ? 2 : 1) * Number.MAX_VALUE / 2;
  return element('section', {id: 'what-if'}, element('h2', {}, 'What a faster machine would win'),
    element('p', {class: 'note'}, `Estimated on the critical path; proved by running again. Now: ${time(now)}.`),
    table('What if', [
      {name: 'change', of: (one) => element('code', {}, one.change)},
      {name: 'estimated', of: (one) => change(one.estimated_ps)},
      {name: 'proved', of: (one) => (one.impossible ? `cannot run: ${one.impossible}` : change(one.proved_ps)),
        wide: changes.some((one) => one.impossible)},
      {name: 'gain', of: (one) => (taken(one) === undefined ? null : now / taken(one)), text: (gain) => (gain === null ? '–' : formats.ratio(gain))}],
    [...changes].sort((a, b) => place(a) - place(b))));
}
