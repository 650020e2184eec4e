// A card for each device: what is on it, what it runs, how far that is.

import {call} from './api.js';
import {$, el, icon, iconButton, keyed, text, toast} from './dom.js';
import {bytes, number, seconds, t} from './i18n.js';
import {previews, progress, secondsLeft} from './live.js';
import {describe} from './workflow.js';

let devices = [];
let prompts = new Map();
let skew = 0;
let changed = () => {};

export function startDevices(onChange) {
  changed = onChange;
  $('pauseAll').addEventListener('click', () => {
    const all = devices.every(device => device.paused);
    act(all ? 'queue/resume' : 'queue/pause', {}, t(all ? 'resumedAll' : 'pausedAll'));
  });
}

async function act(path, body, done) {
  try {
    await call(path, {body});
    toast(done);
  } catch (failure) {
    toast(failure.message, true);
  }
  changed();
}

/** `found` is the answer of /devices; `known` has the prompts by id, as far as this key may see them. */
export function showDevices(found, known) {
  devices = found.devices;
  prompts = known;
  skew = found.now - Date.now();
  $('devices').setAttribute('aria-busy', 'false');
  $('devices').classList.toggle('few', devices.length < 3);
  keyed($('devices'), devices, device => device.gpu_id, create, update);
  const busy = devices.filter(device => device.running).length;
  text($('totals'), t('totals', {running: busy, all: devices.length,
    waiting: devices.reduce((sum, device) => sum + device.waiting, 0),
    done: devices.reduce((sum, device) => sum + device.tasks, 0)}));
  text($('pauseAll'), t(devices.length > 0 && devices.every(device => device.paused) ? 'resumeAll' : 'pauseAll'));
  $('pauseAll').hidden = devices.length === 0;
}

/** Only what moves between two answers of the server. */
export function tick() {
  devices.forEach(device => {
    const card = $(`gpu-${device.gpu_id}`);
    if (card) moving(card, device);
  });
}

function create(device) {
  const id = device.gpu_id;
  const now = () => devices.find(one => one.gpu_id === id);
  const pause = el('button', {type: 'button', class: 'quiet icon toggle', on: {click: () => {
    const paused = now().paused;
    act(paused ? 'queue/resume' : 'queue/pause', {gpu: id}, t(paused ? 'resumed' : 'paused', {n: id}));
  }}});
  const stop = iconButton('close', t('stop'), () => {
    const running = now().running?.prompt_id;
    if (running) act(`api/jobs/${encodeURIComponent(running)}/cancel`, {}, t('stopped'));
  });
  stop.classList.add('stop');
  return el('article', {class: 'card device', id: `gpu-${id}`, 'aria-labelledby': `gpu-${id}-name`},
    el('header', {},
      el('h2', {id: `gpu-${id}-name`}),
      el('span', {class: 'soft name'}),
      el('span', {class: 'pill'}),
      pause),
    el('div', {class: 'now'},
      el('div', {class: 'screen'}, icon('picture'), el('img', {alt: '', hidden: true})),
      el('div', {class: 'about'}, el('p', {class: 'prompt'}), el('p', {class: 'soft step'}))),
    el('div', {class: 'bar'}, el('progress', {max: 1, value: 0}), stop),
    el('dl', {class: 'facts'},
      el('dt', {class: 'modelLabel'}), el('dd', {class: 'model'}),
      el('dt', {class: 'memoryLabel'}), el('dd', {class: 'memory'}, el('span', {}), el('meter', {min: 0, max: 1, value: 0})),
      el('dt', {class: 'sensorsLabel'}), el('dd', {class: 'sensors'}),
      el('dt', {class: 'doneLabel'}), el('dd', {class: 'done'})));
}

function state(device) {
  if (device.unhealthy) return 'unhealthy';
  if (device.running) return device.paused ? 'pausing' : 'running';
  return device.paused ? 'paused' : 'idle';
}

function update(card, device) {
  const part = selector => card.querySelector(selector);
  const is = state(device);
  card.dataset.state = is;
  text(part('h2'), t('gpu', {n: device.gpu_id}));
  text(part('.name'), device.node ? `${device.name} · ${device.node}` : device.name);
  text(part('.pill'), t(`state.${is}`));
  const toggle = part('.toggle');
  const shownAs = device.paused ? 'play' : 'pause';
  const label = t(device.paused ? 'resume' : 'pause', {n: device.gpu_id});
  if (toggle.dataset.icon !== shownAs) {
    toggle.replaceChildren(icon(shownAs));
    toggle.dataset.icon = shownAs;
  }
  toggle.title = label;
  toggle.setAttribute('aria-label', label);
  const stop = part('.stop');
  stop.title = t('stop');
  stop.setAttribute('aria-label', t('stop'));
  stop.hidden = !device.running?.prompt_id;
  text(part('.modelLabel'), t('model'));
  text(part('.model'), device.resident?.length ? device.resident.map(short).join(', ') : t('model.none'));
  part('.model').title = device.resident?.join(', ') ?? '';
  text(part('.memoryLabel'), t(device.name.startsWith('cpu') ? 'memory.host' : 'memory'));
  const total = device.memory_total ?? 0;
  const used = total - (device.memory_free ?? 0);
  text(part('.memory span'), total > 0 ? t('memory.of', {used: bytes(used), total: bytes(total)}) : t('unknown'));
  const meter = part('meter');
  meter.hidden = total <= 0;
  meter.value = total > 0 ? used / total : 0;
  meter.setAttribute('aria-label', t('memory'));
  const said = sensors(device.sensors ?? {});
  part('.sensorsLabel').hidden = part('.sensors').hidden = said === '';
  text(part('.sensorsLabel'), t('sensors'));
  text(part('.sensors'), said);
  part('.sensors').title = device.sensors ? `${device.model} · ${device.sensors.uuid}` : '';
  part('.sensors').classList.toggle('bad', Object.keys(device.sensors?.faults ?? {}).length > 0);
  text(part('.doneLabel'), t('done'));
  const failed = device.tasks - device.succeeded;
  text(part('.done'), [t('done.tasks', {n: number(device.tasks)}),
    failed > 0 ? t('done.failed', {n: number(failed)}) : null,
    device.out_of_memory > 0 ? t('done.oom', {n: number(device.out_of_memory)}) : null,
    device.waiting > 0 ? t('done.waiting', {n: number(device.waiting)}) : null,
    device.succeeded > 0 ? t('done.mean', {time: seconds(device.mean_execution / 1000)}) : null].filter(Boolean).join(' · '));
  part('.done').title = part('.done').textContent;
  moving(card, device);
}

/** What a card measures of itself; what it does not is left out. */
function sensors({utilisation, watts, celsius, faults}) {
  return [utilisation === undefined ? null : t('sensors.busy', {n: number(utilisation * 100)}),
    watts === undefined ? null : t('sensors.watts', {n: number(watts)}),
    celsius === undefined ? null : t('sensors.celsius', {n: number(celsius)}),
    ...Object.entries(faults ?? {}).map(([code, n]) => t('sensors.fault', {code, n: number(n)})),
  ].filter(Boolean).join(' · ');
}

const short = file => file.replace(/\.(safetensors|ckpt|pt|pth)$/, '');

function moving(card, device) {
  const part = selector => card.querySelector(selector);
  const id = device.running?.prompt_id;
  const prompt = id && prompts.get(id);
  text(part('.prompt'), device.unhealthy ? device.unhealthy
    : !device.running ? t(device.paused ? 'nothing.paused' : 'nothing')
      : !prompt ? t('running.others') : describe(prompt).text ?? t('nodes', {n: Object.keys(prompt).length}));
  const picture = id && previews.get(id);
  const image = part('img');
  if (picture && image.src !== picture) image.src = picture;
  image.hidden = !picture;
  if (!picture && image.src) image.removeAttribute('src');
  image.alt = picture ? t('preview') : '';
  const bar = part('progress');
  bar.setAttribute('aria-label', t('progress', {n: device.gpu_id}));
  if (!device.running) {
    bar.value = 0;
    text(part('.step'), '');
    return;
  }
  const step = id && progress.get(id);
  const now = Date.now() + skew;
  const left = (id && secondsLeft(id)) ?? (device.running.expected_end - now) / 1000;
  const spent = Math.max(0, now - device.running.started) / 1000;
  const whole = Math.max(1, device.running.expected_end - device.running.started) / 1000;
  bar.value = step ? step.value / step.max : Math.min(0.95, spent / whole);
  text(part('.step'), [
    step ? t('step', {n: step.value, of: step.max}) : t('running.for', {time: seconds(spent)}),
    left > 0 ? t('left', {time: seconds(Math.max(left, 0.1))}) : !step && whole > 0.5 ? t('left.over') : null,
  ].filter(Boolean).join(' · '));
}
