// How far from what is possible: the roofline of the machine with all kernels of the panel on it, and from the machine's
// bound over the schedule's to what was measured.
function rooflineChart(panel, kernel) {
  const {peaks} = panel;
  const points = panel.kernels.filter((one) => ran(one) && one.result.flops > 0 && one.result.hbm_bytes > 0).map((one) => ({
    label: one.label, x: one.result.flops / one.result.hbm_bytes, y: one.result.tflops_per_s, own: one === kernel}))
    .sort((a, b) => a.own - b.own);  // what is drawn last is on top
  if (!peaks || points.length === 0) return null;
  const slope = peaks.hbm_gbytes_per_s / 1000;  // TFLOP/s for each flop per byte
  const ridge = peaks.tflops_per_s / slope;
  const xs = points.map((one) => one.x);
  const [low, high] = [Math.min(...xs, ridge) / 4, Math.max(...xs, ridge) * 4];
  const bottom = Math.min(...points.map((one) => one.y), peaks.tflops_per_s / 10) / 2;
  const roof = [{x: low, y: low * slope}, {x: ridge, y: peaks.tflops_per_s}, {x: high, y: peaks.tflops_per_s}];
  const ticks = (from, to) => {
    const inside = (steps) => [...Array(40).keys()].flatMap((i) => steps.map((step) => step * 10 ** (i - 15)))
      .filter((value) => value >= from && value <= to);
    return inside([1]).length > 2 ? inside([1]) : inside([1, 2, 5]);
  };
  const attainable = (x) => Math.min(peaks.tflops_per_s, x * slope);
  for (const one of points)
    one.text = `${one.label}: ${digits(one.y)} TFLOP/s, ${percent(one.y / attainable(one.x))} of the roof at ${digits(one.x)} flop/B`;
  const labels = [...points].sort((a, b) => b.y - a.y).filter((one, i, all) =>
    one.own || !all.some((other, j) => (other.own || j < i) && other !== one && Math.abs(Math.log(other.y / one.y)) < 0.28));
  return chart({
    title: 'Roofline', note: 'Useful work: TFLOP/s over flop for each byte of HBM traffic.',
    plot: (size) => ({
      width: size - 64, height: 230, padding: {left: 50, right: 14, top: 14, bottom: 40},
      data: [{name: 'roof', values: roof}, {name: 'points', values: points}, {name: 'labels', values: labels}],
      scales: [{name: 'x', type: 'log', domain: [low, high], range: 'width'},
        {name: 'y', type: 'log', domain: [bottom, peaks.tflops_per_s * 2], range: 'height'}],
      axes: [{scale: 'x', orient: 'bottom', title: 'flop / byte', values: ticks(low, high), format: '~s', grid: true},
        {scale: 'y', orient: 'left', title: 'TFLOP/s', values: ticks(bottom, 2 * peaks.tflops_per_s), format: '~s', grid: true}],
      marks: [
        {type: 'line', clip: true, from: {data: 'roof'}, encode: {enter: {x: {scale: 'x', field: 'x'}, y: {scale: 'y', field: 'y'},
          stroke: {value: colour('--ink')}, strokeWidth: {value: 1.5}}}},
        {type: 'text', encode: {enter: {x: {scale: 'x', value: high}, y: {scale: 'y', value: peaks.tflops_per_s}, dy: {value: -6},
          dx: {value: -2}, align: {value: 'right'}, text: {value: `matrix engines ${digits(peaks.tflops_per_s)} TFLOP/s, ` +
          `HBM ${rate(peaks.hbm_gbytes_per_s)}`}}}},
        {type: 'symbol', from: {data: 'points'}, encode: {enter: {x: {scale: 'x', field: 'x'}, y: {scale: 'y', field: 'y'},
          size: {value: 70}, fill: {signal: `datum.own ? '${colour('--selected')}' : '${colour('--faint')}'`},
          tooltip: {field: 'text'}}}},
        {type: 'text', from: {data: 'labels'}, interactive: false, encode: {enter: {x: {scale: 'x', field: 'x'}, y: {scale: 'y', field: 'y'},
          dx: {signal: `datum.x > ${Math.sqrt(low * high)} ? -8 : 8`}, align: {signal: `datum.x > ${Math.sqrt(low * high)} ? 'right' : 'left'`},
          baseline: {value: 'middle'}, text: {field: 'label'},
          fill: {signal: `datum.own ? '${colour('--ink')}' : '${colour('--soft')}'`}}}},
      ],
    }),
    table: () => table('Roofline', [{name: 'kernel', of: (one) => one.label},
      {name: 'flop / byte', of: (one) => one.x, text: digits, title: 'flops ÷ hbm_bytes'},
      {name: 'TFLOP/s', of: (one) => one.y, text: digits, title: 'tflops_per_s'},
      {name: 'roof there', of: (one) => attainable(one.x), text: digits, title: 'min(peak of the matrix engines, HBM peak × flop / byte)'},
      {name: 'of the roof', of: (one) => one.y / attainable(one.x), text: percent}], points),
  });
}

function waterfallChart(panel, kernel) {
  const shown = panel.kernels.filter((one) => ran(one) && one.result.time_ps > 0).sort((a, b) => a.result.time_ps - b.result.time_ps);
  if (shown.length === 0) return null;
  const steps = shown.flatMap(({label, result}) => {
    const machine = result.machine_bound.time_ps, schedule = Math.max(machine, result.schedule_bound.time_ps);
    return [{label, step: 'machine bound', from: 0, to: machine}, {label, step: 'schedule bound', from: machine, to: schedule},
      {label, step: 'measured', from: schedule, to: result.time_ps}].map((one) => ({...one,
      text: `${label}: ${one.step} ${time(one.to)}` + (one.from > 0 ? `, ${time(one.to - one.from)} above what is before it` : '')}));
  });
  const end = Math.max(...shown.map((one) => one.result.time_ps));
  const {factor, unit} = timeAxis(end);
  const colours = {'machine bound': '--matrix', 'schedule bound': '--wait-hbm', 'measured': '--contention'};
  const figure = chart({
    title: 'Bounds and measured time', note: 'What the schedule adds, then waiting.',
    plot: (size) => {
      const left = Math.min(170, Math.max(...shown.map((one) => one.label.length)) * 7 + 14);
      const tight = shown.length > 8 ? 20 : 30;
      return {
        width: size - left - 76, height: shown.length * tight, padding: {left, right: 76, top: 6, bottom: 36},
        data: [{name: 'steps', values: steps.filter((one) => one.to > one.from)},
          {name: 'ends', values: shown.map(({label, result}) => ({label, to: result.time_ps, text: above(result.machine_distance)}))}],
        scales: [{name: 'y', type: 'band', domain: shown.map((one) => one.label), range: 'height', padding: 0.3},
          {name: 'x', type: 'linear', domain: [0, end / factor], range: 'width'},
          {name: 'c', type: 'ordinal', domain: Object.keys(colours), range: Object.values(colours).map(colour)}],
        axes: [{scale: 'x', orient: 'bottom', title: unit, tickCount: 5, grid: true},
          {scale: 'y', orient: 'left', domain: false, ticks: false, labelLimit: left - 8, labelPadding: 8}],
        marks: [
          {type: 'rect', from: {data: 'steps'}, encode: {enter: {y: {scale: 'y', field: 'label'}, height: {scale: 'y', band: 1},
            x: {scale: 'x', signal: `datum.from / ${factor}`}, x2: {scale: 'x', signal: `datum.to / ${factor}`},
            fill: {scale: 'c', field: 'step'}, tooltip: {field: 'text'}}}},
          {type: 'text', from: {data: 'ends'}, encode: {enter: {y: {scale: 'y', field: 'label', band: 0.5},
            x: {scale: 'x', signal: `datum.to / ${factor}`}, dx: {value: 6}, baseline: {value: 'middle'}, text: {field: 'text'}}}},
        ],
      };
    },
    table: () => table('Bounds and measured time', [{name: 'kernel', of: (one) => one.label},
      {name: 'machine bound', of: (one) => one.result.machine_bound.time_ps, text: time},
      {name: 'of', of: (one) => one.result.machine_bound.binding, left: true},
      {name: 'schedule bound', of: (one) => one.result.schedule_bound.time_ps, text: time},
      {name: 'of', of: (one) => one.result.schedule_bound.binding, left: true},
      {name: 'measured', of: (one) => one.result.time_ps, text: time},
      {name: 'above machine', of: (one) => one.result.machine_distance, text: above},
      {name: 'above schedule', of: (one) => one.result.schedule_distance, text: above}], shown),
  });
  figure.append(legend([{name: 'machine bound', color: '--matrix'}, {name: 'what the schedule adds', color: '--wait-hbm'},
    {name: 'what waiting adds; at the end, above the machine bound', color: '--contention'}]));
  return figure;
}

function boundsSection(kernel) {
  const both = [waterfallChart(kernel.panel, kernel), rooflineChart(kernel.panel, kernel)].filter(Boolean);
  if (both.length === 0) return null;
  return element('section', {id: 'bounds'}, element('h2', {}, 'How far from what is possible'), element('div', {class: 'pair'}, both));
}
