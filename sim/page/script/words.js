// Classes of the account in families that share a colour, and names of parts.
const families = [
  {id: 'matrix', name: 'products', color: '--matrix'},
  {id: 'vector', name: 'vector operations', color: '--vector'},
  {id: 'moving', name: 'moving data', color: '--moving'},
  {id: 'overhead', name: 'fill, padding, overhead', color: '--overhead'},
  {id: 'hbm', name: 'waits for HBM', color: '--wait-hbm'},
  {id: 'neighbour', name: 'waits for a neighbour', color: '--wait-neighbour'},
  {id: 'compute', name: 'waits for another engine', color: '--wait-compute'},
  {id: 'contention', name: 'credits, turns, order', color: '--contention'},
  {id: 'queue', name: 'issue and full queues', color: '--queue'},
  {id: 'sram', name: 'waits for SRAM room', color: '--sram'},
  {id: 'barrier', name: 'waits at a barrier', color: '--barrier'},
  {id: 'idle', name: 'not begun, done, idle', color: '--idle'},
];
const familyOf = (() => {
  const known = {
    'dot': 'matrix', 'load': 'moving', 'store': 'moving', 'send': 'moving', 'recv': 'moving', 'payload': 'moving',
    'moving': 'moving', 'fill and padding': 'overhead', 'overhead': 'overhead', 'operand from HBM': 'hbm',
    'operand from a neighbour': 'neighbour', 'operand from matrix': 'compute', 'operand from vector': 'compute',
    'credits': 'contention', 'turns on the link': 'contention', 'blocked': 'contention', 'order': 'contention',
    'sharing': 'contention', 'issue': 'queue', 'launch': 'queue', 'drain': 'queue', 'SRAM room': 'sram',
    'barrier': 'barrier', 'before the first command': 'idle', 'done': 'idle', 'idle': 'idle',
  };
  return (name) => known[name] ?? (name.startsWith('queue ') ? 'queue' : 'vector');
})();
const familyNumber = Object.fromEntries(families.map((family, i) => [family.id, i]));
const works = (name) => familyNumber[familyOf(name)] <= familyNumber.overhead;

const kindNames = {
  matrix: 'matrix engine', vector: 'vector engine', dma_load: 'loads', dma_store: 'stores', send: 'sends',
  receive: 'receives', link: 'links', hbm: 'HBM', processor: 'command processor', launch: 'launches',
};
const kindOrder = Object.keys(kindNames);
const kindName = (kind) => kindNames[kind] ?? kind;
const byKind = (a, b) => (kindOrder.indexOf(a) + 99) % 99 - (kindOrder.indexOf(b) + 99) % 99;
/// "cube0.pe3.matrix"; of a machine of one cube "pe3.matrix".
let oneCube = false;
const short = (path) => path.replace(oneCube ? /^machine\.(cube0\.)?/ : /^machine\./, '');

/// An element with properties and children; texts are never read as HTML.
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (name === 'style') made.style.cssText = value;
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/// A table from columns [{name, of, text, title, left}] and rows.
function table(caption, columns, rows, onRow) {
  const head = element('tr', {}, columns.map((column) =>
    element('th', {scope: 'col', title: column.title, class: column.left || column.wide ? 'left' : undefined}, column.name)));
  const body = rows.map((row) => {
    const cells = columns.map((column, i) => {
      const value = column.of(row);
      const text = value instanceof Node ? value : column.text ? column.text(value) : String(value ?? '–');
      const made = element(i === 0 ? 'th' : 'td',
        {scope: i === 0 ? 'row' : undefined, class: column.wide ? 'left wide' : column.left ? 'left' : undefined}, text);
      if (typeof value === 'number') made.dataset.value = value;
      return made;
    });
    const made = element('tr', {}, cells);
    if (onRow) onRow(made, row);
    return made;
  });
  return element('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption},
    element('table', {}, element('caption', {}, caption), element('thead', {}, head), element('tbody', {}, body)));
}
