// What can be done with the timeline: the panel beside it, the search, kinds, pointer
// and keys.

// What is selected.
const words = i => {
  const from = d.from[i] < 0 ? '' : laneName(d.from[i]), detail = d.words[d.detail[i]];
  if (kindName[d.kind[i]] === 'print') return [from, detail, ''];
  return [from, kindName[d.kind[i]], d.to[i] < 0 ? detail : laneName(d.to[i])];
};
// A name keeps the direction of its letters to itself.
const name = s => text('bdi', s);
function text(tag, s, cls) { const e = document.createElement(tag); e.textContent = s; if (cls) e.className = cls; return e; }
function select(i, follow = true) {
  if (!(i >= 0 && i < n)) return;
  selected = i;
  const [from, verb, to] = words(i), print = kindName[d.kind[i]] === 'print';
  if (print) $('what').replaceChildren(name(from || 'the program'), ' prints “', name(verb), '”');
  else if (d.to[i] < 0) $('what').replaceChildren(name(from), `: ${verb}`);
  else $('what').replaceChildren(name(from), ' → ', name(to), `: ${verb}`);
  const facts = $('facts'); facts.textContent = '';
  const fact = (name, value, cls) => { if (value) facts.append(text('dt', name), text('dd', value, cls)); };
  fact('Step', d.seq[i] ? `${d.seq[i]} of thread ${d.threads[d.on[i]]}` : '');
  if (d.timed) fact('Time', duration(d.time[i]));
  if (!print) fact('Detail', d.words[d.detail[i]]);
  fact('Where', d.words[d.site[i]] || (print ? '' : 'not kept (coro.WithSites keeps it)'), 'site');
  const callers = $('callers'); callers.textContent = '';
  for (let k = d.chain[i]; k >= 0; k = d.links[k][1]) {
    const l = d.links[k][0], li = document.createElement('li'), b = text('button', laneName(l));
    b.style.setProperty('--c', laneColor(l)); b.onclick = () => find(l);
    li.append(b); callers.append(li);
  }
  $('called').hidden = !callers.firstChild;
  const list = $('steps'); list.textContent = '';
  for (const j of around(i, 6)) {
    const b = document.createElement('button'), [f, v, t] = words(j), line = document.createElement('span');
    // As many letters as a line has, shared by two names.
    const two = d.to[j] >= 0, room = two ? Math.max(8, 28 - v.length) : 40;
    const own = Math.min(f.length, Math.max(room >> 1, two ? room - t.length : 0));
    line.append(name(shorten(f, own)), ' ', text('em', v, looks[d.kind[j]]), ' ', name(two ? shorten(t, room - own) : t));
    b.title = `${f} ${v} ${t}`;
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

// Kinds are the legend and the filter at once; the two ends of a span are one.
const count = new Array(kindName.length).fill(0), chips = new Map();
for (const k of d.kind) count[k]++;
kindName.forEach((kind, k) => {
  const base = kind.replace(/-(begin|end)$/, ''), key = base === kind ? kind : base + '-';
  if (chips.has(key)) chips.get(key).push(k);
  else chips.set(key, [k]);
});
for (const [key, all] of chips) {
  const b = document.createElement('button'), kind = key.replace(/-$/, '');
  b.className = looks[all[0]]; b.dataset.kind = kind; b.setAttribute('aria-pressed', 'true');
  if (kind !== key) b.title = `${kind}-begin and ${kind}-end`;
  b.append(document.createElement('i'), kind, text('b', all.reduce((sum, k) => sum + count[k], 0)));
  b.onclick = () => {
    const on = !shown[all[0]];
    for (const k of all) shown[k] = on;
    b.setAttribute('aria-pressed', on); select(selected, false);
  };
  $('kinds').append(b);
}

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
// zoomStep zooms about the selected step, if that is in view.
function zoomStep(factor) {
  const x = selected < 0 ? -1 : xOf(pos[selected]);
  if (x >= LABEL && x <= width) zoom(factor, x);
  else zoom(factor);
}
const act = {
  first: () => firstShown(0, 1), prev: () => step(-1), next: () => step(1), last: () => firstShown(n - 1, -1),
  in: () => zoomStep(1.6), out: () => zoomStep(1 / 1.6), fit, axis, theme, dense: toggleDense,
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
if (!n) {
  $('what').textContent = 'This trace has no steps';
  $('called').hidden = $('near').hidden = true;
}

// For tests, and for the curious: where things are drawn, and how long it takes.
window.timeline = {xOf: i => xOf(pos[i]), yOf, draw, zoom: () => scale, selected: () => selected, scroll: () => y0, row: () => row};
