// Vega as Debian has it: pieces that ask for each other by name. What follows this file defines them, in an order in
// which each finds what it asks for.
const pieces = {'d3-geo-projection': {}, 'topojson-client': {}};  // for maps, of which there are none here
function piece(name, define) {
  const exports = {};
  pieces[name] = exports;
  if (name === 'vega-selection') pieces['vega-selections'] = exports;  // asked for by its old name
  define(exports, {exports}, (wanted) => {
    if (!pieces[wanted]) throw new Error(`the chart library asks for ${wanted}, which is not there`);
    return pieces[wanted];
  });
}
