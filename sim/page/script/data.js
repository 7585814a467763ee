// The data of the page, read once: texts in place of their numbers, and pictures decoded when they are first asked for.
const page = JSON.parse(document.getElementById('data').textContent);
const figures = JSON.parse(document.getElementById('figures').textContent);

function classesOf(panel, list) {
  const classes = {};
  for (let i = 0; i < list.length; i += 2) classes[panel.texts[list[i]]] = list[i + 1];
  return classes;
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%()*+,-.:';
const steps = new Float32Array(128);  // by the code of the letter
for (let i = 0; i < letters.length; ++i) steps[letters.charCodeAt(i)] = i / 63;
function sharesOf(text, bins) {
  const shares = new Float32Array(bins);
  for (let i = 0, at = 0; i < text.length;) {
    const share = steps[text.charCodeAt(i++)];
    let count = 0;
    for (let digit; (digit = text.charCodeAt(i) - 48) >= 0 && digit <= 9; ++i) count = 10 * count + digit;
    const end = at + Math.max(1, count);
    shares.fill(share, at, end);
    at = end;
  }
  return shares;
}

function read(panel) {
  panel.kernels = panel.kernels.map((entry) => {
    const kernel = {...entry, panel, label: entry.result.label};
    const sums = (list) => list.map(([scope, kind, parts, classes]) =>
      ({scope: panel.texts[scope], kind: panel.texts[kind], parts, classes: classesOf(panel, classes)}));
    kernel.sums = sums(entry.sums);
    if (entry.before) kernel.before = {...entry.before, sums: sums(entry.before.sums)};
    kernel.parts = (entry.parts ?? []).map(([path, kind, moved, classes]) =>
      ({path: panel.texts[path], kind: panel.texts[kind], bytes: moved, classes: classesOf(panel, classes)}));
    kernel.part = new Map(kernel.parts.map((part) => [part.path, part]));
    return kernel;
  });
}
page.panels.forEach(read);

const ran = (kernel) => kernel.result.status === 'ok';
const good = (kernel) => ran(kernel) && kernel.result.verdict.outcome !== 'fail';
const fastest = (panel) => panel.kernels.filter(good)
  .reduce((best, kernel) => (!best || kernel.result.time_ps < best.result.time_ps ? kernel : best), undefined);

/// Lanes of a kernel by path: [{name, shares}], one for each class; and busy shares by path.
function lanesOf(kernel) {
  if (kernel.lanes) return kernel.lanes;
  const {panel, pictures} = kernel;
  kernel.lanes = new Map((pictures?.lanes ?? []).map(([path, rows]) => [panel.texts[path], rows.map(([name, text]) =>
    ({name: panel.texts[name], shares: sharesOf(text, pictures.bins)}))]));
  return kernel.lanes;
}
const none = new Float32Array(0);
function busyShares(kernel, path) {
  kernel.busy ??= new Map();
  if (!kernel.busy.has(path)) {
    const sum = new Float32Array(kernel.pictures?.bins ?? 0);
    for (const {name, shares} of lanesOf(kernel).get(path) ?? [])
      if (works(name)) for (let i = 0; i < sum.length; ++i) sum[i] = Math.min(1, sum[i] + shares[i]);
    kernel.busy.set(path, sum);
  }
  return kernel.busy.get(path) ?? none;
}
/// Mean of shares over the bins that a window of time touches, by how much of them lies in it.
function meanIn(kernel, shares, from, to) {
  const {bin_ps: width} = kernel.pictures;
  const end = Math.min(to, kernel.result.time_ps);
  if (end <= from) return 0;
  let sum = 0;
  for (let bin = Math.floor(from / width); bin < shares.length && bin * width < end; ++bin)
    sum += shares[bin] * (Math.min(end, (bin + 1) * width) - Math.max(from, bin * width));
  return sum / (end - from);
}

/// Every command of the PEs of which there is room for them, by path: [{name, begin, end}].
function slicesOf(kernel) {
  if (kernel.slices) return kernel.slices;
  const {panel, pictures} = kernel;
  kernel.slices = new Map((pictures?.slices.lanes ?? []).map(([path, list]) => {
    const slices = [];
    let at = 0;
    for (let i = 0; i < list.length; i += 3) {
      const begin = at + list[i + 1], end = begin + list[i + 2];
      slices.push({name: panel.texts[list[i]], begin, end});
      at = end;
    }
    return [panel.texts[path], slices];
  }));
  return kernel.slices;
}

/// Enters `key` of nested objects: "verdict.units.error".
const at = (object, key) => key.split('.').reduce((value, name) => value?.[name], object);
