// The timeline, drawn. It and viewer_panel.js, which follows it, are one function.
// Lanes go down, steps go right; an event is at its index, or at its time. Nothing here takes time in proportion to the length of the trace but
// what is done once: a frame draws what is visible, found by binary search, and
// of what falls on one pixel only the first.
const d = JSON.parse(document.getElementById('data').textContent);
const n = d.kind.length, lanes = d.lanes, $ = id => document.getElementById(id);
const kindName = d.kinds, looks = d.looks;

// Positions: of event i, in units of the axis. The end is one step further.
const steps = Float64Array.from({length: n + 1}, (_, i) => i);
const times = d.timed ? Float64Array.from({length: n + 1}, (_, i) => i < n ? d.time[i] : d.time[n - 1] + Math.max(1, d.time[n - 1] / n)) : null;
let pos = steps;

// Per lane: its segments and its events, in order.
const segs = lanes.map(() => []), evs = lanes.map(() => []);
for (const [lane, from, to, state] of d.segments) segs[lane].push({from, to, state});
for (let i = 0; i < n; i++) {
  if (d.from[i] >= 0) evs[d.from[i]].push(i);
  if (d.to[i] >= 0 && d.to[i] !== d.from[i]) evs[d.to[i]].push(i);
}

// How each lane ended badly, if it did: the kill of it, or its panic.
const bads = new Int32Array(lanes.length).fill(-1);
for (let i = 0; i < n; i++) {
  if (looks[d.kind[i]] !== 'bad') continue;
  const l = kindName[d.kind[i]] === 'kill' ? d.to[i] : d.from[i];
  if (l >= 0) bads[l] = i;
}

const TOP = 26;
let LABEL = 150;
let selected = n ? 0 : -1, shown = kindName.map(() => true), matches = null;
let x0 = 0, scale = 1, y0 = 0, row = 26, dense = false, width = 0, height = 0, colors = {}, queued = false;
const canvas = $('timeline'), overview = $('overview');
const g = canvas.getContext('2d'), go = overview.getContext('2d');

// lower is the first index in a for which value is at least x.
function lower(len, value, x) {
  let lo = 0, hi = len;
  while (lo < hi) { const m = (lo + hi) >> 1; if (value(m) < x) lo = m + 1; else hi = m; }
  return lo;
}
const xOf = p => LABEL + (p - x0) * scale;
const pOf = x => x0 + (x - LABEL) / scale;
const yOf = lane => TOP + lane * row - y0 + row / 2;
const plot = () => Math.max(50, width - LABEL - 14);
const end = () => pos[n] || 1;
const laneColor = l => lanes[l].id ? colors['c' + (lanes[l].id - 1) % 6] : colors.mute;
// The height of a bar: it grows with its row, more slowly.
const bar = () => Math.min(row * .56, 18 + Math.max(0, row - 56) * .14);
const laneName = l => d.threads.length > 1 && !lanes[l].id ? d.threads[lanes[l].thread] + ' leader' : lanes[l].name;

function limits() {
  const least = plot() / (end() * 1.03), most = Math.max(least, plot() / (end() / Math.max(n, 1) * 4));
  scale = Math.min(Math.max(scale, least), most);
  const span = plot() / scale;
  x0 = Math.min(Math.max(x0, -span * .015), Math.max(end() * 1.015 - span, -span * .015));
  y0 = Math.min(Math.max(y0, 0), Math.max(0, lanes.length * row - (height - TOP)));
}
function fit() { scale = 0; x0 = 0; changed(); }
function zoom(factor, x = LABEL + plot() / 2) {
  const p = pOf(x); scale *= factor; limits(); x0 = p - (x - LABEL) / scale; changed();
}
function changed() { limits(); if (!queued) { queued = true; requestAnimationFrame(() => { queued = false; draw(); }); } }

function readColors() {
  const probe = document.createElement('i');
  document.body.append(probe);
  for (const c of ['bg', 'panel', 'ink', 'mute', 'line', 'strong', 'enter', 'yield', 'wake', 'bad', 'note', 'c0', 'c1', 'c2', 'c3', 'c4', 'c5']) {
    probe.style.color = `var(--${c})`;
    colors[c] = getComputedStyle(probe).color;
  }
  probe.remove();
}
// resize draws at once: a canvas that gets another size is empty.
function resize() {
  const ratio = window.devicePixelRatio || 1;
  for (const [c, ctx] of [[canvas, g], [overview, go]]) {
    const r = c.getBoundingClientRect();
    c.width = Math.round(r.width * ratio); c.height = Math.round(r.height * ratio);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  }
  const before = width;
  width = canvas.clientWidth; height = canvas.clientHeight;
  LABEL = Math.min(Math.max(150, longest() + 24), Math.max(150, width * .25));
  if (!before) scale = 0;
  rows(); draw();
}
// longest is how wide the widest name is, among as many as anybody looks at.
let widest = 0;
function longest() {
  g.font = font(13, true);
  if (!widest) for (let l = 0; l < Math.min(lanes.length, 2000); l++) widest = Math.max(widest, g.measureText(laneName(l).slice(0, 80)).width);
  return widest;
}
const font = (size, bold) => `${bold ? '600 ' : ''}${size}px ui-sans-serif,system-ui,"DejaVu Sans",sans-serif`;
// rows gives lanes their height: few share the room, many scroll, or are all
// shown at once, as thin as need be.
function rows() {
  const whole = (height - TOP) / Math.max(lanes.length, 1);
  row = Math.min(110, Math.max(dense ? .5 : 16, whole));
  $('dense').hidden = whole >= 16;
  changed();
}
function toggleDense() {
  if ($('dense').hidden) return;
  dense = !dense;
  $('dense').setAttribute('aria-pressed', dense);
  rows();
  if (selected >= 0) revealLanes(selected);
}

function draw() {
  g.fillStyle = colors.bg; g.fillRect(0, 0, width, height);
  g.font = font(12); g.textBaseline = 'middle';
  const first = Math.max(0, Math.floor(y0 / row)), last = Math.min(lanes.length - 1, Math.ceil((y0 + height - TOP) / row));
  g.save(); g.beginPath(); g.rect(LABEL, 0, width - LABEL, height); g.clip();
  ruler();
  g.beginPath(); g.rect(LABEL, TOP, width - LABEL, height - TOP); g.clip();
  for (let l = first; l <= last; l++) drawLane(l);
  drawArrows(first, last);
  drawSelected();
  g.restore();
  drawLabels(first, last);
  g.fillStyle = colors.bg; g.fillRect(0, 0, LABEL, TOP);
  drawOverview();
  const all = lanes.length * row, part = height - TOP, thumb = $('thumb'), track = $('scroll').clientHeight;
  thumb.hidden = all <= part;
  thumb.style.height = Math.max(24, track * part / all) + 'px';
  thumb.style.top = y0 / Math.max(1, all - part) * (track - Math.max(24, track * part / all)) + 'px';
}

function ruler() {
  g.fillStyle = colors.mute; g.strokeStyle = colors.line; g.lineWidth = 1; g.textAlign = 'center';
  const rough = 90 / scale, power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map(k => k * power).find(s => s >= rough) || power * 10;
  if (pos === steps) step = Math.max(1, step);
  // Steps count from 1.
  const off = pos === steps ? 1 : 0;
  for (let p = Math.max(0, Math.ceil(pOf(LABEL) / step)) * step - off; p <= end() && xOf(p) < width; p += step) {
    if (p < 0) continue;
    const x = Math.round(xOf(p)) + .5;
    g.beginPath(); g.moveTo(x, TOP); g.lineTo(x, height); g.stroke();
    g.fillText(pos === steps ? (p < n ? '' + (p + 1) : '') : duration(p), x, TOP / 2);
  }
}
function duration(ns) {
  for (const [unit, size] of [['s', 1e9], ['ms', 1e6], ['µs', 1e3]]) if (ns >= size) return +(ns / size).toFixed(3) + ' ' + unit;
  return ns + ' ns';
}

const dimmed = l => matches && !matches.has(l);

function drawLane(l) {
  const y = yOf(l), h = bar(), thin = row < 9 ? 2 : 1, list = segs[l], color = laneColor(l);
  g.globalAlpha = dimmed(l) ? .22 : 1;
  g.strokeStyle = colors.line; g.lineWidth = 1;
  const a = lanes[l].created >= 0 ? xOf(pos[lanes[l].created]) : LABEL, b = lanes[l].ended >= 0 ? xOf(pos[lanes[l].ended]) : xOf(end());
  g.strokeStyle = colors.mute; g.globalAlpha *= Math.min(.5, .08 + row * .03); // many lines make a grey ground
  g.beginPath(); g.moveTo(Math.max(a, LABEL), y); g.lineTo(Math.min(b, width), y); g.stroke();
  g.globalAlpha = dimmed(l) ? .22 : 1;
  // Segments do not overlap, so their ends are in order, too.
  let k = lower(list.length, i => pos[list[i].to], pOf(LABEL));
  const right = pOf(width);
  while (k < list.length && pos[list[k].from] <= right) {
    const s = list[k], x = xOf(pos[s.from]), w = xOf(pos[s.to]) - x;
    if (s.state === 0) { g.fillStyle = color; g.fillRect(x, y - Math.max(thin, h) / 2, Math.max(thin, w), Math.max(thin, h)); }
    else if (w > 2 && h > 4) {
      g.fillStyle = colors.bg; g.fillRect(x, y - h / 2, w, h);
      g.strokeStyle = color; g.lineWidth = 1; g.strokeRect(x + .5, y - h / 2 + .5, w - 1, h - 1);
    } else { g.fillStyle = color; g.fillRect(x, y - .5, Math.max(1, w), 1); }
    k++;
    // What ends on the same pixel is not drawn.
    if (w < 1) { const edge = pOf(Math.floor(x) + 1); k = Math.max(k, lower(list.length, i => pos[list[i].to], edge)); }
  }
  if (lanes[l].ended >= 0 && b >= LABEL && b <= width && row > 9) {
    g.strokeStyle = colors[looks[d.kind[lanes[l].ended]]]; g.lineWidth = 2;
    g.beginPath(); g.moveTo(b - 4, y - 4); g.lineTo(b + 4, y + 4); g.moveTo(b + 4, y - 4); g.lineTo(b - 4, y + 4); g.stroke();
  }
  g.globalAlpha = 1;
}

function visible() {
  return [lower(n, i => pos[i], pOf(LABEL - 12)), lower(n, i => pos[i], pOf(width + 12))];
}

function drawArrows(first, last) {
  const [a, b] = visible();
  if (b - a > plot() / 3) return drawBad(first, last); // they would be one blot
  for (let i = a; i < b; i++) if (shown[d.kind[i]]) arrow(i, first, last, 1);
}
// drawBad marks what ended badly where there is no room for arrows.
function drawBad(first, last) {
  g.fillStyle = colors.bad;
  const h = Math.max(3, bar());
  for (let l = first; l <= last; l++) {
    if (bads[l] < 0 || !shown[d.kind[bads[l]]]) continue;
    const x = xOf(pos[bads[l]]);
    if (x < LABEL - 2 || x > width + 2) continue;
    g.globalAlpha = dimmed(l) ? .22 : 1;
    g.fillRect(x - 1.5, yOf(l) - h / 2, 3, h);
  }
  g.globalAlpha = 1;
}
function arrow(i, first, last, weight) {
  const from = d.from[i], to = d.to[i], look = looks[d.kind[i]], x = xOf(pos[i]);
  const color = colors[look];
  if (from < 0 || Math.max(from, to) < first || Math.min(from, to < 0 ? from : to) > last) return;
  g.globalAlpha = dimmed(from) && (to < 0 || dimmed(to)) ? .15 : 1;
  if (to < 0 || to === from) {
    // The rim sets a dot off from a bar of its colour.
    g.beginPath(); g.arc(x, yOf(from), 2.6 + weight, 0, 7);
    g.fillStyle = color; g.strokeStyle = colors.bg; g.lineWidth = 2.5; g.stroke(); g.fill();
    g.globalAlpha = 1;
    return;
  }
  const ya = yOf(from), yb = yOf(to), dir = Math.sign(yb - ya), size = Math.min(6, row / 3);
  const tip = yb - dir * (row < 56 ? Math.min(7, row * .28) : bar() / 2);
  g.strokeStyle = g.fillStyle = color;
  g.lineWidth = (look === 'bad' ? 2 : 1.2) * weight;
  g.setLineDash(look === 'wake' || look === 'note' ? [4, 3] : []); // control stays
  g.beginPath(); g.moveTo(x, ya); g.lineTo(x, tip - dir * size * .7); g.stroke(); g.setLineDash([]);
  g.beginPath(); g.moveTo(x, tip); g.lineTo(x - size * .6, tip - dir * size); g.lineTo(x + size * .6, tip - dir * size); g.fill();
  g.globalAlpha = 1;
}

function drawSelected() {
  if (selected < 0) return;
  const x = xOf(pos[selected]);
  g.fillStyle = colors.strong; g.globalAlpha = .12; g.fillRect(x - 5, TOP, 10, height - TOP); g.globalAlpha = 1;
  g.fillRect(x - .5, TOP, 1, height - TOP);
  arrow(selected, 0, lanes.length, 2);
}

// drawLabels names each lane, or, where rows are thinner than names, some, and
// over these the lanes of the selected step.
function drawLabels(first, last) {
  const every = Math.ceil(14 / row);
  for (let l = first; l <= last; l++) if (l % every === 0 && (l === first || yOf(l) > TOP + Math.min(row, 21))) drawLabel(l);
  if (every === 1) return;
  const at = selected < 0 ? [] : [d.to[selected], d.from[selected]];
  for (const l of at) if (l >= first && l <= last) drawLabel(l);
}
function drawLabel(l) {
  const tall = Math.max(row, 14), y = row < tall ? Math.max(yOf(l), TOP + tall / 2) : yOf(l);
  if (y < TOP - row) return;
  const at = selected >= 0 && (d.from[selected] === l || d.to[selected] === l);
  g.fillStyle = at ? colors.panel : colors.bg; g.fillRect(0, y - tall / 2, LABEL, tall);
  if (at) { g.fillStyle = laneColor(l); g.fillRect(0, y - tall / 2, 4, tall); }
  g.globalAlpha = dimmed(l) ? .35 : 1;
  g.font = font(Math.min(13, tall - 3), at || matches && matches.has(l));
  g.textAlign = 'right'; g.textBaseline = 'middle'; g.fillStyle = laneColor(l);
  g.fillText(cut(laneName(l), LABEL - 22), LABEL - 10, y);
  g.globalAlpha = 1;
}
// cut shortens a name by its middle: what tells names apart is at both ends, and
// the number of a coroutine at the last.
const cuts = new Map();
function cut(name, room) {
  const key = g.font + room + '\n' + name;
  if (cuts.has(key)) return cuts.get(key);
  let text = name;
  for (let k = Math.min(name.length, 80); k > 2 && g.measureText(text).width > room; k--) text = shorten(name, k);
  if (cuts.size > 20000) cuts.clear();
  cuts.set(key, text);
  return text;
}

// shorten is cut for a number of letters.
function shorten(name, most) {
  const all = Array.from(name);
  if (all.length <= most) return name;
  const number = /#\d+$/.exec(name)?.[0].length ?? 0, last = Math.min(most - 2, Math.max(most >> 1, number));
  return all.slice(0, most - 1 - last).join('') + '…' + all.slice(all.length - last).join('');
}

// The overview shows how much happened when: events per column, counted once
// for each width and axis.
let counted = null;
function drawOverview() {
  const w = overview.clientWidth, h = overview.clientHeight, cols = Math.max(1, Math.floor(w / 3));
  if (!counted || counted.cols !== cols || counted.pos !== pos) {
    const all = new Float64Array(cols), bad = new Uint8Array(cols);
    for (let i = 0; i < n; i++) {
      const c = Math.min(cols - 1, Math.floor(pos[i] / end() * cols));
      // On an axis of steps each has as many: what differs is where control is.
      all[c] = pos === steps ? Math.max(all[c], d.from[i] + 1) : all[c] + 1;
      if (looks[d.kind[i]] === 'bad') bad[c] = 1;
    }
    counted = {cols, pos, all, bad, most: all.reduce((a, b) => Math.max(a, b), 1)};
  }
  go.fillStyle = colors.panel; go.fillRect(0, 0, w, h);
  for (let c = 0; c < cols; c++) {
    const bar = counted.all[c] / counted.most * (h - 12);
    if (!counted.all[c]) continue;
    go.fillStyle = counted.bad[c] ? colors.bad : colors.mute;
    go.fillRect(c * w / cols, h - 4 - Math.max(2, bar), Math.max(1, w / cols - 1), Math.max(2, bar));
  }
  const a = Math.max(0, x0 / end() * w), b = Math.min(w, (x0 + plot() / scale) / end() * w);
  go.fillStyle = colors.strong; go.globalAlpha = .16; go.fillRect(a, 0, b - a, h); go.globalAlpha = 1;
  go.strokeStyle = colors.strong; go.strokeRect(a + .5, .5, Math.max(2, b - a - 1), h - 1);
  if (selected >= 0) { go.fillStyle = colors.strong; go.fillRect(pos[selected] / end() * w - 1, 0, 2, h); }
}
