// Prompts that wait: when each starts and why there; move, reorder, cancel.

import {call} from './api.js';
import {$, el, iconButton, keyed, sure, text, toast} from './dom.js';
import {clock, number, seconds, t} from './i18n.js';
import {describe} from './workflow.js';

const SHOWN = 100;
let rows = [];
let gpus = [];
let changed = () => {};

export function startQueue(onChange) {
  changed = onChange;
  $('clear').addEventListener('click', async () => {
    if (await sure(t('clear.sure', {n: rows.length}), t('clear'))) act('queue', {clear: true}, t('cleared'));
  });
}

async function act(path, body, done) {
  try {
    await call(path, {body});
    if (done) toast(done);
  } catch (failure) {
    toast([failure.message, failure.details].filter(Boolean).join(': '), true);
  }
  changed();
}

/** `queues` as /queue/all has them. */
export function showQueue(queues, now) {
  gpus = queues.map(queue => queue.gpu_id);
  rows = queues.flatMap(queue => {
    const planned = new Map((queue.schedule ?? []).map(one => [one.prompt_id, one]));
    return queue.queue_pending.map(([, id, prompt]) => ({id, prompt, gpu: queue.gpu_id, now, ...planned.get(id)}));
  }).sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
  const shown = rows.slice(0, SHOWN);
  keyed($('queue'), shown, row => row.id, create, update);
  const none = rows.length === 0;
  $('queueEmpty').hidden = !none;
  text($('queueEmpty'), t('queue.empty'));
  $('clear').hidden = none;
  text($('queueNote'), none ? '' : rows.length > SHOWN ? t('queue.more', {n: number(rows.length), shown: SHOWN})
    : t('queue.count', {n: number(rows.length)}));
}

const one = id => rows.find(row => row.id === id);
const move = (id, where, done) => act('queue/move', {prompt_id: id, ...where}, done);

function create({id}) {
  const select = el('select', {class: 'target', on: {change: () => {
    const gpu = select.value === '' ? null : Number(select.value);
    move(id, {gpu}, gpu === null ? t('moved.any') : t('moved', {n: gpu}));
  }}});
  return el('li', {class: 'row wait'},
    el('span', {class: 'position'}),
    el('div', {class: 'what'}, el('p', {class: 'prompt'}), el('p', {class: 'soft why'})),
    el('span', {class: 'when soft'}),
    el('div', {class: 'actions'}, select,
      iconButton('up', '', () => {
        const at = rows.findIndex(row => row.id === id);
        if (at > 0) move(id, {before: rows[at - 1].id});
      }),
      iconButton('front', '', () => move(id, {to: 'front'}, t('moved.front'))),
      iconButton('close', '', () => act(`api/jobs/${encodeURIComponent(id)}/cancel`, {}, t('cancelled')))));
}

/** The server's reasons are English; those that are known are said in the page's language. */
const REASONS = [
  [/^model resident$/, 'why.resident'],
  [/^no model needed$/, 'why.none'],
  [/^model to be loaded \((\S+) s\)$/, 'why.load'],
  [/^(\d+) of (\d+) samplings cached$/, 'why.cached'],
  [/^(\S+) GB free$/, 'why.free'],
  [/^queue (\S+) s$/, 'why.queue'],
  [/^named by the client$/, 'why.named'],
  [/^not taking prompts now$/, 'why.paused'],
];

function inWords(reason) {
  const [, device, rest] = /^(GPU \S+): (.*)$/.exec(reason) ?? [];
  if (!device) return reason;
  const parts = rest.split(', ').map(part => {
    for (const [pattern, key] of REASONS) {
      const found = pattern.exec(part);
      if (found) return t(key, {a: found[1], b: found[2]});
    }
    return part;
  });
  return `${device}${t('why.colon')}${parts.join(t('why.comma'))}`;
}

function update(node, row) {
  const part = selector => node.querySelector(selector);
  const about = describe(row.prompt);
  const name = about.text ?? t('nodes', {n: about.nodes});
  text(part('.position'), row.position ? number(row.position) : '–');
  text(part('.prompt'), name);
  part('.prompt').title = row.id;
  text(part('.why'), inWords(row.reason ?? ''));
  const wait = row.expected_start ? (row.expected_start - row.now) / 1000 : null;
  text(part('.when'), wait === null ? t('when.unknown') : wait < 0.5 ? t('when.now') : t('when.in', {time: seconds(wait)}));
  part('.when').title = row.expected_start ? clock(row.expected_start) : '';
  const select = part('select');
  const options = ['', ...gpus.map(String)];
  if (select.options.length !== options.length || select.dataset.t !== t('anyDevice')) {
    select.dataset.t = t('anyDevice');
    select.replaceChildren(...options.map(gpu => el('option', {value: gpu, text: gpu === '' ? t('anyDevice') : t('gpu', {n: gpu})})));
  }
  if (document.activeElement !== select) select.value = /: named by the client/.test(row.reason ?? '') ? String(row.gpu) : '';
  select.setAttribute('aria-label', t('move.label', {name}));
  const [up, front, cancel] = node.querySelectorAll('button');
  for (const [button, key] of [[up, 'move.up'], [front, 'move.front'], [cancel, 'cancel']]) {
    button.title = t(key);
    button.setAttribute('aria-label', `${t(key)}: ${name}`);
  }
  up.disabled = one(row.id) === rows[0];
  front.disabled = up.disabled;
}
