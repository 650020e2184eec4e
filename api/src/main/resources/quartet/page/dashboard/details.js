// The dialog over a picture or an error.

import {call, pictureUrl} from './api.js';
import {$, el, icon, iconButton, toast} from './dom.js';
import {clock, seconds, t} from './i18n.js';
import {use} from './composer.js';
import {tipFor} from './tips.js';
import {describe} from './workflow.js';

export function startDetails() {
  const dialog = $('details');
  $('detailsClose').append(icon('close'));
  $('detailsClose').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); });
}

/** Words in the page's own frame that do not come with a new language by themselves. */
export function relabelDetails() {
  $('detailsClose').title = t('close');
  $('detailsClose').setAttribute('aria-label', t('close'));
}

function open(title, ...body) {
  $('detailsTitle').textContent = title;
  $('detailsBody').replaceChildren(...body);
  $('details').onkeydown = null;
  if (!$('details').open) $('details').showModal();
}

/** Takes the prompt of an earlier run into the form. */
export function reuse(entry) {
  $('details').close();
  use(structuredClone(entry.prompt), t('reused', {id: entry.id.slice(0, 8)}));
  document.querySelector('.composer').scrollIntoView({block: 'nearest'});
  $('fields').querySelector('textarea, input, select')?.focus({preventScroll: true});
  toast(t('reused.done'));
}

function facts(entry, first = []) {
  const about = describe(entry.prompt);
  const rows = [...first, ['field.positive', about.text], ['field.negative', about.negative], ['field.seed', about.seed],
    ['field.size', about.size], ['field.steps', about.steps], ['field.cfg', about.cfg], ['field.sampler_name', about.sampler],
    ['field.ckpt_name', about.checkpoint], ['fact.took', entry.ended > entry.started ? seconds((entry.ended - entry.started) / 1000) : null],
    ['fact.ended', entry.ended ? clock(entry.ended) : null], ['fact.id', entry.id]];
  return el('dl', {class: 'facts'}, ...rows.filter(([, value]) => value !== null && value !== undefined)
    .flatMap(([key, value]) => [el('dt', {text: t(key)}), el('dd', {text: String(value)})]));
}

/** A picture at its full size; the arrow keys go to its neighbours. */
export function showPicture(pictures, index) {
  const {entry, image} = pictures[index];
  const go = by => {
    if (!pictures[index + by]) return;
    showPicture(pictures, index + by);
    const button = $(by < 0 ? 'before' : 'after');
    (button.disabled ? $('detailsClose') : button).focus();
  };
  const url = pictureUrl(image);
  open(image.filename,
    el('div', {class: 'lookat'},
      el('img', {src: url, alt: describe(entry.prompt).text ?? image.filename, class: 'large'}),
      el('div', {},
        facts(entry),
        el('div', {class: 'actions'},
          el('button', {type: 'button', class: 'primary', text: t('reuse'), on: {click: () => reuse(entry)}}),
          el('a', {class: 'quiet button', href: url, download: image.filename, text: t('download')}),
          iconButton('before', t('before'), () => go(-1), {id: 'before', disabled: index === 0}),
          iconButton('after', t('after'), () => go(1), {id: 'after', disabled: index === pictures.length - 1})))));
  $('details').onkeydown = event => {
    if (event.key === 'ArrowRight') go(1);
    if (event.key === 'ArrowLeft') go(-1);
  };
}

/** Everything the server said about a failure, and what to do. */
export function showError(entry) {
  const error = entry.error;
  const trace = (error.traceback ?? []).join('').trim();
  const inputs = error.current_inputs && Object.keys(error.current_inputs).length ? JSON.stringify(error.current_inputs, null, 2) : null;
  const whole = [error.exception_type, error.exception_message, trace].filter(Boolean).join('\n');
  open(t('error.title'),
    el('p', {class: 'message bad', text: (error.exception_message ?? '').trim()}),
    el('p', {class: 'tip', text: tipFor(error)}),
    facts(entry, [['error.node', error.node_id ? t('node', {id: error.node_id, type: error.node_type}) : null],
      ['error.type', error.exception_type]]),
    ...(trace ? [el('details', {open: true}, el('summary', {text: t('error.trace')}), el('pre', {tabIndex: 0, text: trace}))] : []),
    ...(inputs ? [el('details', {}, el('summary', {text: t('error.inputs')}), el('pre', {tabIndex: 0, text: inputs}))] : []),
    el('div', {class: 'actions'},
      el('button', {type: 'button', class: 'primary', text: t('reuse'), on: {click: () => reuse(entry)}}),
      el('button', {type: 'button', class: 'quiet', text: t('copy'), on: {click: () => copy(whole)}})));
}

async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    toast(t('copied'));
  } catch {
    toast(t('copy.failed'), true);
  }
}

/** Fetched anew: a prompt in the list may be gone. */
export async function forget(id) {
  await call('history', {body: {delete: [id]}});
}
