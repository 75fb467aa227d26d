'use strict';
// The timeline. Lanes go down, steps go right; an event is at its index, or at
// its time. Nothing here takes time in proportion to the length of the trace but
// what is done once: a frame draws what is visible, found by binary search, and
// of what falls on one pixel only the first.
(() => {
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

const LABEL = 150, TOP = 26;
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
function resize() {
  const ratio = window.devicePixelRatio || 1;
  for (const [c, ctx] of [[canvas, g], [overview, go]]) {
    const r = c.getBoundingClientRect();
    c.width = Math.round(r.width * ratio); c.height = Math.round(r.height * ratio);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  }
  const before = width;
  width = canvas.clientWidth; height = canvas.clientHeight;
  if (!before) scale = 0;
  rows();
}
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
  g.font = '12px ui-sans-serif,system-ui,"DejaVu Sans",sans-serif'; g.textBaseline = 'middle';
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
  if (b - a > plot() / 3) return; // they would be one blot
  for (let i = a; i < b; i++) if (shown[d.kind[i]]) arrow(i, first, last, 1);
}
function arrow(i, first, last, weight) {
  const from = d.from[i], to = d.to[i], look = looks[d.kind[i]], x = xOf(pos[i]);
  const color = colors[look];
  if (from < 0 || Math.max(from, to) < first || Math.min(from, to < 0 ? from : to) > last) return;
  g.globalAlpha = dimmed(from) && (to < 0 || dimmed(to)) ? .15 : 1;
  if (to < 0 || to === from) {
    g.fillStyle = color; g.beginPath(); g.arc(x, yOf(from), 2.6 + weight, 0, 7); g.fill();
    g.globalAlpha = 1;
    return;
  }
  const ya = yOf(from), yb = yOf(to), dir = Math.sign(yb - ya), size = Math.min(6, row / 3);
  const tip = yb - dir * (row < 56 ? Math.min(7, row * .28) : bar() / 2);
  g.strokeStyle = g.fillStyle = color;
  g.lineWidth = (look === 'bad' ? 2 : 1.2) * weight;
  g.setLineDash(look === 'wake' ? [4, 3] : []);
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
  g.font = `${at || matches && matches.has(l) ? '600 ' : ''}${Math.min(13, tall - 3)}px ui-sans-serif,system-ui,"DejaVu Sans",sans-serif`;
  g.textAlign = 'right'; g.textBaseline = 'middle'; g.fillStyle = laneColor(l);
  let name = laneName(l);
  while (name.length > 4 && g.measureText(name).width > LABEL - 22) name = name.slice(0, -2) + '…';
  g.fillText(name, LABEL - 10, y);
  g.globalAlpha = 1;
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

// What is selected.
const words = i => {
  const from = d.from[i] < 0 ? '' : laneName(d.from[i]), detail = d.words[d.detail[i]];
  if (kindName[d.kind[i]] === 'print') return [from, detail, ''];
  return [from, kindName[d.kind[i]], d.to[i] < 0 ? detail : laneName(d.to[i])];
};
function text(tag, s, cls) { const e = document.createElement(tag); e.textContent = s; if (cls) e.className = cls; return e; }
function select(i, follow = true) {
  if (!(i >= 0 && i < n)) return;
  selected = i;
  const [from, verb, to] = words(i), print = kindName[d.kind[i]] === 'print';
  $('what').textContent = print ? `${from || 'the program'} prints “${verb}”` : d.to[i] < 0 ? `${from}: ${verb}` : `${from} → ${to}: ${verb}`;
  const facts = $('facts'); facts.textContent = '';
  const fact = (name, value, cls) => { if (value) facts.append(text('dt', name), text('dd', value, cls)); };
  fact('Step', d.seq[i] ? `${d.seq[i]} of thread ${d.threads[d.from[i] < 0 ? 0 : lanes[d.from[i]].thread]}` : '');
  if (d.timed) fact('Time', duration(d.time[i]));
  if (!print) fact('Detail', d.words[d.detail[i]]);
  fact('Where', d.words[d.site[i]] || (print ? '' : 'not kept (coro.WithSites keeps it)'), 'site');
  const callers = $('callers'); callers.textContent = '';
  for (let k = d.chain[i]; k >= 0; k = d.links[k][1]) {
    const l = d.links[k][0], li = document.createElement('li'), b = text('button', laneName(l));
    b.style.setProperty('--c', laneColor(l)); b.onclick = () => find(l);
    li.append(b); callers.append(li);
  }
  const list = $('steps'); list.textContent = '';
  for (const j of around(i, 6)) {
    const b = document.createElement('button'), [f, v, t] = words(j), line = document.createElement('span');
    line.append(f + ' ', text('em', v, looks[d.kind[j]]), ' ' + t);
    b.append(text('span', d.seq[j] || ''), line);
    if (j === i) b.setAttribute('aria-current', 'step');
    b.onclick = () => select(j);
    const li = document.createElement('li'); li.append(b); list.append(li);
  }
  if (follow) reveal(i);
  changed();
}
function around(i, k) {
  const before = [], after = [];
  for (let j = i - 1; j >= 0 && before.length < k; j--) if (shown[d.kind[j]]) before.unshift(j);
  for (let j = i + 1; j < n && after.length < k; j++) if (shown[d.kind[j]]) after.push(j);
  return [...before, i, ...after];
}
function reveal(i) {
  const x = xOf(pos[i]);
  if (x < LABEL + 20 || x > width - 30) x0 = pos[i] - plot() / scale / 2;
  revealLanes(i);
}
// revealLanes scrolls to who takes part in a step. Where not both fit, what is in
// view is the coroutine, not the leader: that one is in every other step.
function revealLanes(i) {
  const both = [d.to[i], d.from[i]].filter(l => l >= 0).sort((a, b) => !!lanes[a].id - !!lanes[b].id);
  for (const l of both) revealLane(l);
}
function revealLane(l) {
  if (yOf(l) < TOP + row || yOf(l) > height - row) y0 = l * row - (height - TOP) / 2;
  limits();
}
function step(by, sameLane) {
  const lane = d.from[selected];
  for (let j = selected + by; j >= 0 && j < n; j += by) {
    if (shown[d.kind[j]] && (!sameLane || d.from[j] === lane || d.to[j] === lane)) return select(j);
  }
}
function find(l) {
  const j = evs[l].find(i => i >= selected) ?? evs[l][0];
  if (j !== undefined) select(j);
  revealLane(l); changed();
}

// Search: names that contain the words; Enter goes to the next one's next event.
let turn = 0;
function search() {
  const q = $('search').value.trim().toLowerCase();
  matches = q ? new Set(lanes.flatMap((_, l) => laneName(l).toLowerCase().includes(q) ? [l] : [])) : null;
  $('found').textContent = matches ? `${matches.size} of ${lanes.length}` : '';
  turn = 0;
  if (matches && matches.size) revealLane([...matches][0]);
  changed();
}
$('search').addEventListener('input', search);
$('search').addEventListener('keydown', e => {
  if (e.key === 'Enter' && matches && matches.size) { const all = [...matches]; find(all[turn++ % all.length]); }
  if (e.key === 'Escape') { e.target.value = ''; search(); canvas.focus(); }
});

// Kinds are the legend and the filter at once.
const count = new Array(kindName.length).fill(0);
for (const k of d.kind) count[k]++;
kindName.forEach((name, k) => {
  const b = document.createElement('button');
  b.className = looks[k]; b.dataset.kind = name; b.setAttribute('aria-pressed', 'true');
  b.append(document.createElement('i'), name, text('b', count[k]));
  b.onclick = () => { shown[k] = !shown[k]; b.setAttribute('aria-pressed', shown[k]); select(selected, false); };
  $('kinds').append(b);
});

// Pointer: drag pans, a click selects the nearest event of the nearest lane.
let drag = null;
canvas.addEventListener('pointerdown', e => {
  drag = {x: e.offsetX, y: e.offsetY, x0, y0, moved: false}; canvas.setPointerCapture(e.pointerId); canvas.focus();
});
canvas.addEventListener('pointermove', e => {
  if (!drag) return;
  if (Math.abs(e.offsetX - drag.x) + Math.abs(e.offsetY - drag.y) > 4) { drag.moved = true; canvas.classList.add('drag'); }
  if (drag.moved) { x0 = drag.x0 - (e.offsetX - drag.x) / scale; y0 = drag.y0 - (e.offsetY - drag.y); changed(); }
});
canvas.addEventListener('pointerup', e => {
  canvas.classList.remove('drag');
  if (drag && !drag.moved) click(e.offsetX, e.offsetY);
  drag = null;
});
canvas.addEventListener('pointercancel', () => { drag = null; canvas.classList.remove('drag'); });
function click(x, y) {
  const l = Math.floor((y - TOP + y0) / row);
  if (l < 0 || l >= lanes.length || y < TOP) return;
  if (x < LABEL) return find(l);
  // An arrow passes over many lanes: the nearest event of all, unless the lane
  // that was hit has one as near.
  const near = (len, at) => {
    const k = lower(len, j => pos[at(j)], pOf(x));
    let best = -1;
    for (let j = Math.max(0, k - 8); j < Math.min(len, k + 8); j++) {
      if (shown[d.kind[at(j)]] && (best < 0 || Math.abs(pos[at(j)] - pOf(x)) < Math.abs(pos[at(best)] - pOf(x)))) best = j;
    }
    return best < 0 ? -1 : at(best);
  };
  const own = near(evs[l].length, j => evs[l][j]), any = near(n, j => j);
  if (any < 0) return;
  const far = i => Math.abs(xOf(pos[i]) - x);
  select(own >= 0 && far(own) <= Math.max(12, far(any) + 6) ? own : any, false);
}
canvas.addEventListener('wheel', e => {
  e.preventDefault();
  if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
    y0 += e.shiftKey ? e.deltaY || e.deltaX : 0; x0 += e.shiftKey ? 0 : e.deltaX / scale; changed();
  } else zoom(Math.exp(-e.deltaY * .0016), e.offsetX);
}, {passive: false});
function jump(e) { if (e.buttons) { x0 = e.offsetX / overview.clientWidth * end() - plot() / scale / 2; changed(); } }
overview.addEventListener('pointerdown', e => { overview.setPointerCapture(e.pointerId); jump(e); });
overview.addEventListener('pointermove', jump);
let grab = null;
$('thumb').addEventListener('pointerdown', e => { grab = {y: e.clientY, y0}; e.target.setPointerCapture(e.pointerId); });
$('thumb').addEventListener('pointermove', e => {
  if (grab && e.buttons) { y0 = grab.y0 + (e.clientY - grab.y) * lanes.length * row / $('scroll').clientHeight; changed(); }
});

// Buttons and keys.
function firstShown(from, by) { for (let j = from; j >= 0 && j < n; j += by) if (shown[d.kind[j]]) return select(j); }
function axis() {
  if (!times) return;
  const keep = selected >= 0 ? xOf(pos[selected]) : 0;
  pos = pos === steps ? times : steps; scale = 0; x0 = 0;
  $('axis').setAttribute('aria-pressed', pos === times);
  changed(); if (keep) reveal(selected);
}
function theme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === 'dark' ||
    !document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
  readColors(); select(selected, false); changed();
}
const act = {
  first: () => firstShown(0, 1), prev: () => step(-1), next: () => step(1), last: () => firstShown(n - 1, -1),
  in: () => zoom(1.6), out: () => zoom(1 / 1.6), fit, axis, theme, dense: toggleDense,
};
for (const [id, f] of Object.entries(act)) $(id).onclick = f;
const keys = {
  ArrowLeft: e => step(-1, e.shiftKey), ArrowRight: e => step(1, e.shiftKey), Home: act.first, End: act.last,
  ArrowUp: () => { y0 -= row * 2; changed(); }, ArrowDown: () => { y0 += row * 2; changed(); },
  PageUp: () => { y0 -= height * .8; changed(); }, PageDown: () => { y0 += height * .8; changed(); },
  '+': act.in, '=': act.in, '-': act.out, '0': fit, t: axis, d: theme, a: toggleDense,
  '/': () => $('search').focus(),
};
document.addEventListener('keydown', e => {
  if (e.target.tagName === 'INPUT' || e.ctrlKey || e.metaKey || e.altKey || !keys[e.key]) return;
  e.preventDefault(); keys[e.key](e);
});

$('axis').hidden = !d.timed;
const many = (k, thing) => `${k.toLocaleString('en')} ${thing}${k === 1 ? '' : 's'}`;
document.querySelector('h1').title = document.title;
$('dense').textContent = `all ${lanes.length.toLocaleString('en')}`;
$('summary').textContent = [many(lanes.filter(l => l.id).length, 'coroutine'), many(n, 'step'),
  d.threads.length > 1 ? many(d.threads.length, 'thread') : '', d.dropped ? many(d.dropped, 'earlier step') + ' lost' : ''].filter(Boolean).join(' · ');
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { readColors(); changed(); });
new ResizeObserver(resize).observe($('stage'));
readColors(); resize(); select(0, false);

// For tests, and for the curious: where things are drawn, and how long it takes.
window.timeline = {xOf: i => xOf(pos[i]), yOf, draw, zoom: () => scale, selected: () => selected, scroll: () => y0, row: () => row};
})();
