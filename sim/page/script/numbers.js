// Numbers as they are shown: few digits, always with their unit.
const vega = Object.assign({}, ...Object.values(pieces));
Object.assign(vega.transforms, pieces['vega-transforms'], pieces['vega-view-transforms'], pieces['vega-encode']);

const thin = '\u202f';  // between a number and its unit

/// Three to four digits, no exponent between a thousandth and a million.
function digits(value, least = 3) {
  if (typeof value !== 'number') return String(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(least - 2).replace('e+', 'e');
  const places = Math.max(0, least - 1 - Math.floor(Math.log10(size)));
  const text = value.toFixed(places);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
const grouped = (value) => Math.round(value).toLocaleString('en-US');

function scaled(value, units) {
  const size = Math.abs(value);
  const found = units.find(([factor]) => size >= factor) ?? units[units.length - 1];
  return digits(value / found[0]) + thin + found[1];
}
const timeUnits = [[1e12, 's'], [1e9, 'ms'], [1e6, 'µs'], [1e3, 'ns'], [1, 'ps']];
const time = (ps) => (ps === 0 ? '0' : scaled(ps, timeUnits));
const bytes = (n) => (n === 0 ? '0' : scaled(n, [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB'], [1, 'B']]));
const rate = (gbytes) => scaled(gbytes, [[1e3, 'TB/s'], [1, 'GB/s'], [1e-3, 'MB/s']]);

/// 12.3 %; what is not nothing is not shown as nothing.
function percent(share) {
  const value = 100 * share;
  if (value !== 0 && Math.abs(value) < 0.05) return (value < 0 ? '−' : '') + '<0.1' + thin + '%';
  return value.toFixed(1) + thin + '%';
}
/// +12.3 %, and 15.2x where percents stop saying anything.
function above(distance) {
  if (distance >= 9.995) return (1 + distance).toFixed(1) + '×';
  return signed(distance);
}
function signed(share) {
  const value = 100 * share;
  return (value > 0 ? '+' : value < 0 ? '−' : '±') + Math.abs(value).toFixed(1) + thin + '%';
}
const scientific = (value) => (typeof value === 'number' ? value.toExponential(1).replace('e+', 'e') : value);

const formats = {
  cycles: grouped, count: grouped, time, bytes, rate, percent, above, scientific, number: digits,
  ratio: (value) => digits(value) + '×',
  word: (value) => (value === '' ? '–' : String(value)),
};
