// What has ended: pictures, all prompts, and those that failed.

import {call, pictureUrl, Refused} from './api.js';
import {$, el, keyed, text, toast} from './dom.js';
import {clock, number, seconds, t} from './i18n.js';
import {forget, reuse, showError, showPicture} from './details.js';
import {describe} from './workflow.js';

const PAGE = 48;
const MOST = 960;
const REST = 1000;
let wanted = PAGE;
let entries = [];
let pictures = [];
let loading = false;
let again = false;

/** The newest prompts that have ended; asked for at most once a second. */
export async function loadHistory() {
  if (loading) { again = true; return; }
  loading = true;
  try {
    const found = await call(`history?max_items=${wanted}`);
    entries = Object.entries(found).map(([id, entry]) => read(id, entry)).reverse();
    showHistory();
  } catch (failure) {
    if (failure instanceof Refused && failure.status !== 401) toast(failure.message, true);
  } finally {
    setTimeout(() => {
      loading = false;
      if (again) { again = false; loadHistory(); }
    }, REST);
  }
}

function read(id, {prompt, outputs, status}) {
  const message = type => status.messages.find(([name]) => name === type)?.[1];
  const end = status.messages.at(-1)?.[1];
  return {
    id, prompt: prompt[2], started: message('execution_start')?.timestamp ?? 0, ended: end?.timestamp ?? 0,
    outcome: status.completed ? 'success' : message('execution_interrupted') ? 'interrupted' : 'error',
    error: message('execution_error'),
    images: Object.values(outputs).flatMap(output => output.images ?? []),
  };
}

export function showHistory() {
  pictures = entries.flatMap(entry => entry.images.map(image => ({entry, image})));
  const failed = entries.filter(entry => entry.outcome === 'error');
  keyed($('gallery'), pictures, ({entry, image}) => `${entry.id}/${image.subfolder}/${image.filename}`, figure, refigure);
  keyed($('historyRows'), entries, entry => entry.id, row, rerow);
  keyed($('errorRows'), failed, entry => entry.id, row, rerow);
  empty('galleryEmpty', pictures, 'gallery.empty');
  empty('historyEmpty', entries, 'history.empty');
  empty('errorsEmpty', failed, 'errors.empty');
  $('errorCount').hidden = failed.length === 0;
  text($('errorCount'), number(failed.length));
  $('older').hidden = entries.length < wanted || wanted >= MOST;
}

function empty(id, list, key) {
  $(id).hidden = list.length > 0;
  text($(id), t(key));
}

function figure({entry, image}) {
  const key = `${entry.id}/${image.subfolder}/${image.filename}`;
  return el('button', {type: 'button', class: 'picture', on: {click: () =>
    showPicture(pictures, pictures.findIndex(one => `${one.entry.id}/${one.image.subfolder}/${one.image.filename}` === key))}},
  el('img', {src: pictureUrl(image), alt: '', loading: 'lazy', decoding: 'async', width: 256, height: 256}),
  el('span', {class: 'caption'}), el('span', {class: 'soft with'}));
}

function refigure(node, {entry, image}) {
  const about = describe(entry.prompt);
  text(node.querySelector('.caption'), about.text ?? image.filename);
  text(node.querySelector('.with'), [about.seed !== null ? `${t('field.seed')} ${about.seed}` : null, about.size].filter(Boolean).join(' · '));
  node.title = about.text ?? image.filename;
}

function row({id}) {
  const find = () => entries.find(entry => entry.id === id);
  return el('li', {class: 'row ended'},
    el('span', {class: 'pill'}),
    el('div', {class: 'what'}, el('p', {class: 'prompt'}), el('p', {class: 'soft why'})),
    el('span', {class: 'when soft'}),
    el('div', {class: 'actions'},
      el('button', {type: 'button', class: 'quiet look', on: {click: () => {
        const entry = find();
        if (entry.error) showError(entry);
        else showPicture(pictures, pictures.findIndex(one => one.entry.id === id));
      }}}),
      el('button', {type: 'button', class: 'quiet again', on: {click: () => reuse(find())}}),
      el('button', {type: 'button', class: 'quiet forget', on: {click: async () => {
        try {
          await forget(id);
        } catch (failure) {
          toast(failure.message, true);
        }
        loadHistory();
      }}})));
}

function rerow(node, entry) {
  const part = selector => node.querySelector(selector);
  const about = describe(entry.prompt);
  const name = about.text ?? t('nodes', {n: about.nodes});
  node.dataset.outcome = entry.outcome;
  text(part('.pill'), t(`outcome.${entry.outcome}`));
  text(part('.prompt'), name);
  text(part('.why'), entry.error
    ? `${entry.error.node_id ? `${t('node', {id: entry.error.node_id, type: entry.error.node_type})}: ` : ''}${(entry.error.exception_message ?? '').trim()}`
    : [about.size, about.steps && t('steps', {n: about.steps}), about.seed !== null && `${t('field.seed')} ${about.seed}`].filter(Boolean).join(' · '));
  text(part('.when'), [entry.ended > entry.started ? seconds((entry.ended - entry.started) / 1000) : null, clock(entry.ended)].filter(Boolean).join(' · '));
  const label = (selector, key) => {
    text(part(selector), t(key));
    part(selector).setAttribute('aria-label', `${t(key)}: ${name}`);
  };
  label('.look', entry.error ? 'look.error' : 'look');
  part('.look').hidden = !entry.error && entry.images.length === 0;
  label('.again', 'again');
  label('.forget', 'forget');
}

const TABS = ['Pictures', 'History', 'Errors'];

function select(name, focus = false) {
  for (const one of TABS) {
    const tab = $(`tab${one}`);
    const chosen = one === name;
    tab.setAttribute('aria-selected', String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    $(one.toLowerCase()).hidden = !chosen;
    if (chosen && focus) tab.focus();
  }
}

export function startGallery() {
  TABS.forEach((name, i) => {
    $(`tab${name}`).addEventListener('click', () => select(name));
    $(`tab${name}`).addEventListener('keydown', event => {
      const to = {ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: TABS.length - 1}[event.key];
      if (to !== undefined) {
        event.preventDefault();
        select(TABS[(to + TABS.length) % TABS.length], true);
      }
    });
  });
  $('older').addEventListener('click', () => { wanted = Math.min(MOST, wanted * 2); loadHistory(); });
}
