// Puts the page together: header, the sections in their order of reading, theme.
const content = document.getElementById('content');
let view = null;

/// The PE that ended last: what is shown first of a run.
function startOf(kernel) {
  const processors = kernel.parts.filter((part) => part.kind === 'processor');
  const last = processors.reduce((best, part) =>
    (!best || (part.classes.done ?? 0) < (best.classes.done ?? 0) ? part : best), undefined);
  return (last ?? kernel.parts[0])?.path.replace(/\.[^.]+$/, '') ?? 'machine';
}

function show(kernel, focus) {
  view = new TimeWindow(kernel.result.time_ps);
  oneCube = kernel.panel.machine?.pes.every(([path]) => path.startsWith('machine.cube0.')) ?? false;
  const state = {
    selected: startOf(kernel), metric: 0, listeners: [],
    select(path) {
      state.selected = path;
      for (const listener of state.listeners) listener();
    },
  };
  const sections = [
    page.comparison ? comparisonSection(kernel, show) : null,
    page.panels.length > 1 ? panelsSection(kernel, show) : null,
    verdictSection(kernel),
    ...(ran(kernel) ? [accountSection(kernel), meshSection(kernel, view, state), lanesSection(kernel, view, state), pathSection(kernel),
      whatIfSection(kernel), boundsSection(kernel)] : []),
    kernelsSection(kernel, (other) => show(other, true)), numericsSection(kernel), panelSection(kernel.panel),
  ];
  charts.clear();
  content.replaceChildren();
  // Charts are registered while they are made, before they are in the page.
  content.append(...sections.filter(Boolean));
  const made = [...content.querySelectorAll('figure.chart')];
  made.forEach((figure) => charts.add(figure));
  drawNext(made);
  header(kernel);
  if (focus) document.getElementById('verdict').scrollIntoView();
  document.documentElement.dataset.shown = `${kernel.panel.name}/${kernel.label}`;
}

function panelSection(panel) {
  return element('section', {id: 'panel'}, element('h2', {}, 'To run it again'),
    element('p', {class: 'note'}, `Save as ${panel.name}.json, then: `, element('code', {}, `tilemesh run ${panel.name}.json --report ${panel.name}.html`)),
    element('details', {}, element('summary', {}, 'The panel, with its machine'),
      element('pre', {tabindex: 0}, JSON.stringify(panel.configuration, null, 1))));
}

function header(kernel) {
  const {panel} = kernel;
  const panels = page.panels.length < 2 ? null : element('label', {}, 'panel', element('select', {id: 'panel-choice', onchange: (event) => {
    const chosen = page.panels[event.target.selectedIndex];
    show(fastest(chosen) ?? chosen.kernels[0]);
  }}, page.panels.map((one) => element('option', {selected: one === panel}, one.name))));
  const tabs = element('div', {class: 'tabs', role: 'radiogroup', 'aria-label': 'Kernel'}, panel.kernels.map((one) =>
    element('button', {role: 'radio', 'aria-checked': String(one === kernel), onclick: () => show(one)}, one.label,
      element('span', {class: 'mark'}, one === fastest(panel) ? '★' : ran(one) ? (good(one) ? '' : '✗') : '–'))));
  document.getElementById('top').replaceChildren(element('h1', {}, panel.name, element('small', {}, 'tilemesh ' + page.tool.version)),
    ...[panels, themeChoice(), tabs].filter(Boolean));
  document.title = `${page.comparison ? 'comparison: ' : ''}${panel.name}, ${kernel.label}`;
}

document.getElementById('end').append('Keys: ', element('kbd', {}, '←'), ' ', element('kbd', {}, '→'), ' move the window, ',
  element('kbd', {}, '+'), ' ', element('kbd', {}, '−'), ' zoom, ', element('kbd', {}, '0'), ' the whole run; in the mesh the arrows go from PE to PE. ',
  'Numbers and formulas: “Every figure”. Everything here is in this file.');
listenToKeys(() => view);
const first = page.comparison?.entries.map((entry) => page.panels.find((panel) => panel.name === entry.panel)?.kernels
  .find((kernel) => kernel.label === entry.label)).find(Boolean);
show(first ?? fastest(page.panels[0]) ?? page.panels[0].kernels[0]);
