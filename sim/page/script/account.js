// Where the time went: a tree that sums up to 100 % in every line, from the machine down to one engine.
function familiesIn(classes) {
  const times = families.map(() => 0);
  for (const [name, time] of Object.entries(classes)) times[familyNumber[familyOf(name)]] += time;
  return times;
}
const total = (classes) => Object.values(classes).reduce((sum, time) => sum + time, 0);
const sortedClasses = (classes) => Object.entries(classes).sort((a, b) => b[1] - a[1]);

function bar(classes, label) {
  const all = total(classes);
  const pieces = familiesIn(classes).map((time, i) => (time === 0 ? null : element('span', {
    style: `width: ${100 * time / all}%; background: var(${families[i].color})`,
    onpointermove: (event) => showTip(event, `${families[i].name}: ${percent(time / all)}\n` +
      sortedClasses(classes).filter(([name]) => familyOf(name) === families[i].id).slice(0, 8)
        .map(([name, part]) => `${name} ${percent(part / all)}`).join('\n')),
    onpointerleave: (event) => showTip(event, '')})));
  return element('div', {class: 'bar', role: 'img', 'aria-label': `${label}: ` + mostly(classes, 5)}, pieces);
}
function mostly(classes, count = 3) {
  const all = total(classes);
  return sortedClasses(classes).filter(([, time]) => time / all >= 0.005).slice(0, count)
    .map(([name, time]) => `${name} ${percent(time / all)}`).join(', ');
}

/// {name, kind, parts, classes, children()} of a scope's kinds; below a kind its cubes, PEs and engines.
function treeOf(kernel) {
  const levels = (scope, kind) => {
    const inside = kernel.sums.filter((sum) => sum.kind === kind && sum.scope.startsWith(scope + '.') &&
      !sum.scope.slice(scope.length + 1).includes('.'));
    // Of a sum of one part there is the part alone, and a machine of one cube needs no line for the cube.
    const parts = kernel.parts.filter((part) => part.kind === kind && total(part.classes) > 0 && part.path.startsWith(scope + '.') &&
      !inside.some((sum) => part.path.startsWith(sum.scope + '.')));
    if (inside.length === 1 && parts.length === 0) return levels(inside[0].scope, kind);
    return [...inside.map((sum) => ({name: short(sum.scope), ...sum, children: () => levels(sum.scope, kind)})),
      ...parts.map((part) => ({name: short(part.path), parts: 1, ...part, children: () => []}))]
      .sort((a, b) => a.name.localeCompare(b.name, 'en', {numeric: true}));
  };
  return kernel.sums.filter((sum) => sum.scope === 'machine').sort((a, b) => byKind(a.kind, b.kind))
    .map((sum) => ({name: kindName(sum.kind), ...sum, children: () => levels('machine', sum.kind)}));
}

function accountRow(node, level, body) {
  const children = node.children?.() ?? [];
  const row = element('tr', {'aria-level': level + 1, role: 'row', style: `--level: ${level}`});
  const cell = element('th', {scope: 'row'});
  let below = null;
  if (children.length > 0) {
    const open = element('button', {'aria-expanded': 'false', 'aria-label': `parts of ${node.name}`, onclick: () => {
      const shown = open.getAttribute('aria-expanded') === 'true';
      open.setAttribute('aria-expanded', String(!shown));
      open.textContent = shown ? '▸' : '▾';
      if (shown) {
        const remove = (rows) => rows.forEach((made) => {
          if (made.below) remove(made.below());
          made.remove();
        });
        remove(below);
        below = null;
        return;
      }
      below = children.map((child) => accountRow(child, level + 1, body));
      row.after(...below);
    }}, '▸');
    cell.append(open);
  }
  cell.append(node.name);
  row.below = () => below ?? [];
  row.append(cell, element('td', {}, grouped(node.parts)),
    element('td', {class: 'share'}, bar(node.classes, node.name)),
    element('td', {}, percent(Object.entries(node.classes).reduce((sum, [name, time]) =>
      sum + (works(name) ? time : 0), 0) / total(node.classes))),
    element('td', {class: 'left wide'}, mostly(node.classes)));
  return row;
}

function accountSection(kernel) {
  const nodes = treeOf(kernel);
  const made = element('section', {id: 'account'}, element('h2', {}, 'Where the time went'),
    element('p', {class: 'note'}, 'Every picosecond of every part in one class; each line is its parts × the run’s time, ' +
      `${time(kernel.result.time_ps)}. Lines open into cubes, PEs and engines.`));
  if (nodes.length === 0) {
    made.append(element('p', {}, 'No account was kept.'));
    return made;
  }
  const shown = new Set(nodes.flatMap((node) => Object.keys(node.classes).map(familyOf)));
  const body = element('tbody', {});
  body.append(...nodes.flatMap((node) => {
    const then = kernel.before?.sums.find((sum) => sum.scope === 'machine' && sum.kind === node.kind);
    return [node, ...(then ? [{...then, name: 'before'}] : [])].map((one) => accountRow(one, one === node ? 0 : 1, body));
  }));
  const head = ['part', 'parts', 'share of the time', 'at work', 'mostly'].map((name, i) =>
    element('th', {scope: 'col', class: i === 2 || i === 4 ? 'left' : undefined}, name));
  made.append(legend(families.filter((family) => shown.has(family.id))),
    element('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Account tree'},
      element('table', {class: 'tree', role: 'treegrid', 'aria-label': 'Account of the machine'},
        element('thead', {}, element('tr', {}, head)), body)),
    classesTable(kernel, nodes));
  return made;
}

/// The same as numbers, class by class; with what it was before where there is a before.
function classesTable(kernel, nodes) {
  const before = (kind) => kernel.before?.sums.find((sum) => sum.scope === 'machine' && sum.kind === kind);
  const rows = nodes.flatMap((node) => {
    const then = before(node.kind)?.classes ?? {};
    return [...new Set([...Object.keys(node.classes), ...Object.keys(then)])]
      .map((name) => ({node, name, time: node.classes[name] ?? 0, then: then[name] ?? 0}))
      .sort((a, b) => b.time - a.time);
  });
  const columns = [
    {name: 'part', of: ({node}) => node.name}, {name: 'class', of: ({name}) => name, left: true},
    {name: 'time, all parts', of: (row) => row.time, text: time},
    {name: 'share', of: ({node, time: part}) => part / total(node.classes), text: percent},
    ...(kernel.before ? [{name: 'before', of: (row) => row.then, text: time},
      {name: 'change', of: (row) => row.time - row.then, text: (ps) => (ps === 0 ? '' : (ps > 0 ? '+' : '−') + time(Math.abs(ps)))}] : []),
  ];
  return element('details', {open: Boolean(kernel.before)}, element('summary', {}, 'Classes of the whole machine as numbers'),
    table('Time by class, summed over the parts of each kind', columns, rows));
}
