// The form: a workflow from a file, a picture, the demo or an earlier prompt; its inputs; and Run.

import {call, clientId, Refused} from './api.js';
import {$, el, iconButton, text} from './dom.js';
import {known, t} from './i18n.js';
import {isPng, textChunks} from './png.js';
import {demo, fieldsOf, isPrompt, isSeed, randomSeed, withValues} from './workflow.js';

let schemas = {};
let prompt = null;
let editor = null;   // the editor's own form of it, for the picture, as long as no value is changed
let name = '';
let fields = [];
let onRun = () => {};

const choices = (node, input) => schemas[node]?.input.required[input]?.[0] ?? [];

/** What the server's nodes take; the form starts with the demo if nothing is in it. */
export function useSchemas(found) {
  schemas = found;
  if (prompt) show(valuesNow()); else useDemo();
}

export function useDevices(devices) {
  const select = $('target');
  const wanted = ['', ...devices.map(device => String(device.gpu_id))];
  if ([...select.options].map(option => option.value).join() === wanted.join() && select.dataset.t === t('anyDevice')) return;
  const before = select.value;
  select.dataset.t = t('anyDevice');
  select.replaceChildren(el('option', {value: '', text: t('anyDevice')}),
    ...devices.map(device => el('option', {value: String(device.gpu_id), text: t('gpu', {n: device.gpu_id})})));
  select.value = before;
}

function useDemo() {
  const checkpoints = choices('CheckpointLoaderSimple', 'ckpt_name');
  const samplers = choices('KSampler', 'sampler_name');
  if (checkpoints.length === 0) {
    if (!prompt) nothingToRun();
    else say(t('noCheckpoint'), true);
    return;
  }
  use(demo(checkpoints[0], samplers.includes('euler') ? 'euler' : samplers[0]), '');
}

function nothingToRun() {
  text($('source'), t('noCheckpoint'));
  $('fields').hidden = true;
  $('go').disabled = true;
}

/** Puts a prompt into the form. An empty name is the demo's. */
export function use(found, from, saved = null) {
  prompt = found;
  editor = saved;
  name = from;
  say('');
  $('fields').hidden = false;
  $('go').disabled = false;
  show([]);
}

function show(kept) {
  fields = fieldsOf(prompt, schemas);
  fields.forEach(field => {
    const before = kept.find(one => one.node === field.node && one.input === field.input);
    if (before) field.value = before.value;
  });
  $('fields').replaceChildren(...groups(fields.filter(field => field.main)));
  const rest = fields.filter(field => !field.main);
  $('moreFields').replaceChildren(...rest.map(control));
  $('more').hidden = rest.length === 0;
  text($('source'), name ? t('source.file', {name, n: Object.keys(prompt).length}) : t('source.demo'));
}

export function retranslate() {
  say('');
  if (prompt) show(valuesNow()); else if ($('fields').hidden) nothingToRun();
}

/** Texts take a whole row, numbers share rows. */
function groups(list) {
  return list.map(field => {
    const node = control(field);
    if (['text', 'line'].includes(field.kind) || ['ckpt_name', 'image'].includes(field.input) || field.several) node.classList.add('whole');
    else if (['int', 'float'].includes(field.kind) && !isSeed(field)) node.classList.add('third');
    return node;
  });
}

function labelOf(field) {
  const key = field.role ? `field.${field.role}` : `field.${field.input}`;
  const words = known(key) ? t(key) : field.input;
  return field.several || !field.main ? `${words} · ${field.title} ${field.node}` : words;
}

function control(field) {
  const id = `in-${field.node}-${field.input}`;
  field.id = id;
  let input;
  switch (field.kind) {
    case 'text': input = el('textarea', {id, rows: 2, value: field.value}); break;
    case 'choice': {
      const all = field.choices.includes(String(field.value)) ? field.choices : [String(field.value), ...field.choices];
      input = el('select', {id}, ...all.map(choice => el('option', {value: choice, text: choice})));
      input.value = String(field.value);
      break;
    }
    case 'flag': input = el('input', {id, type: 'checkbox', checked: !!field.value}); break;
    case 'int':
    case 'float':
      input = el('input', {id, type: 'number', min: field.min, max: isSeed(field) ? undefined : field.max,
        step: field.kind === 'float' ? 'any' : field.step, value: field.value, inputmode: field.kind === 'int' ? 'numeric' : 'decimal'});
      break;
    default: input = el('input', {id, value: field.value});
  }
  const label = el('label', {htmlFor: id, text: labelOf(field)});
  if (!isSeed(field)) return el('div', {class: 'field'}, label, input);
  const dice = iconButton('dice', t('newSeed'), () => { input.value = randomSeed(); });
  return el('div', {class: 'field seed'}, label, el('div', {class: 'inline'}, input, dice));
}

function valuesNow() {
  return fields.map(({node, input, kind, id, value}) => {
    const place = $(id);
    if (!place) return {node, input, value};
    switch (kind) {
      case 'flag': return {node, input, value: place.checked};
      case 'int':
      case 'float': return {node, input, value: place.value === '' ? value : Number(place.value)};
      default: return {node, input, value: place.value};
    }
  });
}

function say(words, bad = false) {
  text($('say'), words);
  $('say').classList.toggle('bad', bad);
}

/** One prompt, or several that differ in their seed: the form's, and those that follow it. */
async function run() {
  if (!prompt) return;
  const times = Math.min(100, Math.max(1, Number($('times').value) || 1));
  const gpu = $('target').value;
  const values = valuesNow();
  const seeds = new Set(fields.filter(isSeed).map(field => field.node + field.input));
  document.querySelectorAll('#run [aria-invalid]').forEach(node => node.removeAttribute('aria-invalid'));
  $('go').disabled = true;
  let accepted = 0;
  try {
    for (; accepted < times; accepted++) {
      if (times > 1) say(t('run.sending', {n: accepted, of: times}));
      const changed = values.map(one => seeds.has(one.node + one.input) ? {...one, value: one.value + accepted} : one);
      const posted = withValues(prompt, changed);
      const same = editor && JSON.stringify(posted) === JSON.stringify(prompt);
      await call('prompt', {headers: gpu === '' ? {} : {'X-TARGET-GPU': gpu}, body: {prompt: posted, client_id: clientId,
        extra_data: {preview_method: 'auto', ...(same ? {extra_pnginfo: {workflow: editor}} : {})}}});
    }
    say(t(times === 1 ? 'run.accepted' : 'run.acceptedMany', {n: times}));
  } catch (failure) {
    say(refusal(failure, accepted), true);
  } finally {
    $('go').disabled = false;
    onRun();
  }
}

function refusal(failure, accepted) {
  if (!(failure instanceof Refused)) return t('away');
  const lines = [failure.message];
  const nodes = Object.entries(failure.nodeErrors);
  for (const [id, node] of nodes) {
    for (const error of node.errors ?? []) {
      const input = error.extra_info?.input_name;
      $(`in-${id}-${input}`)?.setAttribute('aria-invalid', 'true');
      lines.push(`${t('node', {id, type: node.class_type})}: ${error.message}: ${error.details}`);
    }
  }
  if (nodes.length === 0 && failure.details) lines.push(failure.details);
  if (accepted > 0) lines.push(t('run.acceptedBefore', {n: accepted}));
  return lines.join('\n');
}

/** A workflow file of either form, or a picture that carries one. */
async function load(file) {
  say('');
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const found = isPng(bytes) ? await fromPicture(bytes) : JSON.parse(new TextDecoder().decode(bytes));
    const bare = isPrompt(found?.prompt) ? found.prompt : found;
    if (isPrompt(bare)) use(bare, file.name);
    else use(await call('workflow/convert', {body: found}), file.name, found);
    $('fields').querySelector('textarea, input, select')?.focus();
  } catch (failure) {
    const words = failure instanceof Refused ? [failure.message, failure.details].filter(Boolean).join(': ') : failure.message;
    say(t('load.failed', {name: file.name, why: words}), true);
  }
}

async function fromPicture(bytes) {
  const chunks = await textChunks(bytes);
  const words = chunks.prompt ?? chunks.workflow;
  if (!words) throw new Error(t('load.noWorkflow'));
  return JSON.parse(words);
}

/** Listens to the form, to files dropped anywhere, and to what `ran` wants to know. */
export function startComposer(ran) {
  onRun = ran;
  $('run').addEventListener('submit', event => { event.preventDefault(); run(); });
  $('run').addEventListener('keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); }
  });
  $('demo').addEventListener('click', useDemo);
  $('open').addEventListener('click', () => $('file').click());
  $('file').addEventListener('change', () => {
    const [file] = $('file').files;
    $('file').value = '';
    if (file) load(file);
  });
  let depth = 0;
  const carriesFile = event => event.dataTransfer?.types.includes('Files');
  addEventListener('dragenter', event => { if (carriesFile(event)) { depth++; $('dropscreen').hidden = false; } });
  addEventListener('dragleave', event => { if (carriesFile(event) && --depth <= 0) { depth = 0; $('dropscreen').hidden = true; } });
  addEventListener('dragover', event => { if (carriesFile(event)) event.preventDefault(); });
  addEventListener('drop', event => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    depth = 0;
    $('dropscreen').hidden = true;
    const [file] = event.dataTransfer.files;
    if (file) load(file);
  });
}

