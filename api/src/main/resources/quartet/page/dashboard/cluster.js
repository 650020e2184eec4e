// The servers of a cluster, as this one sees them. A server by itself shows nothing here.

import {call} from './api.js';
import {$, el, keyed, text} from './dom.js';
import {known, number, seconds, t} from './i18n.js';

const EVERY = 5000;

let found = null;   // the newest answer, with more than one server
let none = false;   // this server knows no clusters: not asked again
let asked = 0;

/** Asks now and then; a failure leaves what was there, as the banner says that the server is away. */
export async function loadCluster() {
  if (none || Date.now() - asked < EVERY) return;
  asked = Date.now();
  try {
    const answer = await call('cluster');
    found = answer.nodes.length > 1 ? answer : null;
  } catch (failure) {
    none = failure.status === 404;
    if (none) found = null;
  }
  showCluster();
}

export function showCluster() {
  $('cluster').hidden = !found;
  if (!found) return;
  const up = found.nodes.filter(node => node.status === 'up').length;
  text($('clusterNote'), t('cluster.note', {up, all: found.nodes.length,
    waiting: number(found.nodes.reduce((sum, node) => sum + (node.queue ?? 0), 0))}));
  keyed($('nodes'), found.nodes, node => node.address || node.name, create, update);
}

function create() {
  return el('article', {class: 'card server-node'},
    el('header', {}, el('h3', {}), el('span', {class: 'soft grow self'}), el('span', {class: 'pill'})),
    el('p', {class: 'soft about'}),
    el('ul', {class: 'gpus'}));
}

const word = (prefix, value) => known(`${prefix}.${value}`) ? t(`${prefix}.${value}`) : value;

function update(card, node) {
  const part = selector => card.querySelector(selector);
  card.dataset.state = node.status;
  text(part('h3'), node.name);
  text(part('.self'), node.name === found.self ? t('node.self') : '');
  text(part('.pill'), word('node', node.status));
  text(part('.about'), [
    node.status === 'up' ? null : t('node.seen', {time: seconds(node.last_seen_seconds ?? 0)}),
    t('node.queue', {n: number(node.queue ?? 0)}),
    node.version,
    node.roles?.length ? node.roles.join(', ') : null].filter(Boolean).join(' · '));
  part('.about').title = node.address ?? '';
  keyed(part('.gpus'), node.gpus ?? [], gpu => gpu.index,
    () => el('li', {}, el('span', {class: 'which'}), el('span', {class: 'what'}), el('span', {class: 'pill'})),
    (row, gpu) => {
      // Of a server that says nothing, this is what it said last.
      const fresh = node.status === 'up' || node.status === 'leaving';
      row.dataset.state = fresh ? gpu.state : 'unknown';
      text(row.querySelector('.which'), t('gpu', {n: gpu.index}));
      text(row.querySelector('.what'), [gpu.model || gpu.name, gpu.queue > 0 ? t('done.waiting', {n: number(gpu.queue)}) : null]
        .filter(Boolean).join(' · '));
      row.querySelector('.what').title = [gpu.name, gpu.model].filter(Boolean).join(' · ');
      text(row.querySelector('.pill'), fresh ? word('state', gpu.state) : t('node.was', {state: word('state', gpu.state)}));
    });
}
