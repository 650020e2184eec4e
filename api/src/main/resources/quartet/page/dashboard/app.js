// The page's beginning: wires the parts together and keeps them up to date.

import {call, events as server} from './api.js';
import {loadCluster, showCluster} from './cluster.js';
import {retranslate, startComposer, useDevices, useSchemas} from './composer.js';
import {relabelDetails, startDetails} from './details.js';
import {showDevices, startDevices, tick} from './devices.js';
import {$, icon, text} from './dom.js';
import {loadHistory, showHistory, startGallery} from './gallery.js';
import {currentLanguage, switchLanguage, t, translatePage} from './i18n.js';
import {hideKeyInAddress, watchForLock} from './key.js';
import {connect, events as live, keepOnly} from './live.js';
import {nextTheme, showTheme} from './prefs.js';
import {showQueue, startQueue} from './queue.js';

const EVERY = 2000;
const SOON = 200;
const TICK = 250;
const LONG_QUEUE = 500;
const LONG_QUEUE_EVERY = 10_000;

let last = null;          // the newest answers: {devices, queues, drain}
let open = new Set();     // ids of prompts that ran or waited then
let counted = new Map();  // prompts ended on each device then
let version = '';
let reachable = true;
let queued = null;        // the newest answer of /queue/all, and when it came
let queuedAt = 0;
let acted = false;        // somebody has just changed the queue here
let connected = false;
let lostSince = 0;
let booted = false;
let busy = false;
let soon = false;
let timer = 0;

/** Asks anew soon; several wishes become one question. */
function refreshSoon() {
  if (soon) return;   // not put off again and again while much happens
  soon = true;
  clearTimeout(timer);
  timer = setTimeout(refresh, SOON);
}

async function refresh() {
  clearTimeout(timer);
  if (busy) { timer = setTimeout(refresh, SOON); return; }
  busy = true;
  soon = false;
  try {
    if (!booted) await boot();
    const devices = await call('devices');
    const [queues, drain] = await Promise.all([queuesNow(devices.devices), call('queue/drain')]);
    last = {devices, queues: queues.queues, drain};
    const now = new Set(queues.queues.flatMap(queue => [...queue.queue_running, ...queue.queue_pending].map(([, id]) => id)));
    const ended = [...open].some(id => !now.has(id)) || devices.devices.some(device => device.tasks !== counted.get(device.gpu_id));
    counted = new Map(devices.devices.map(device => [device.gpu_id, device.tasks]));
    open = now;
    keepOnly(new Set([...now, ...devices.devices.map(device => device.running?.prompt_id)]));
    show();
    if (ended) loadHistory();
    loadCluster();
  } catch {
    // The banner says that the server is away, or the dialog asks for a key; the next turn tries again.
  } finally {
    busy = false;
    clearTimeout(timer);
    timer = setTimeout(refresh, soon ? SOON : document.hidden ? 5 * EVERY : EVERY);
  }
}

/** A queue of thousands is megabytes: it is not fetched every two seconds, unless somebody has just changed it. */
async function queuesNow(devices) {
  const waiting = devices.reduce((sum, device) => sum + device.waiting, 0);
  if (waiting > LONG_QUEUE && queued && !acted && Date.now() - queuedAt < LONG_QUEUE_EVERY) return queued;
  acted = false;
  queued = await call('queue/all');
  queuedAt = Date.now();
  return queued;
}

function afterAction() {
  acted = true;
  refreshSoon();
}

/** What is asked once: who the server is, and what its nodes take. */
async function boot() {
  const [stats, nodes] = await Promise.all([call('system_stats'), call('object_info')]);
  version = `Quartet ${stats.system.quartet_version}`;
  useSchemas(nodes);
  booted = true;
  connect();
}

function show() {
  if (!last) return;
  // An answer of some seconds ago may have what runs now among what waits.
  const known = new Map(last.queues.flatMap(queue =>
    [...queue.queue_running, ...queue.queue_pending].map(([, id, prompt]) => [id, prompt])));
  showDevices(last.devices, known);
  useDevices(last.devices.devices);
  showQueue(last.queues, last.devices.now);
  header();
}

function header() {
  const count = last?.devices.devices.length ?? 0;
  const state = !reachable ? 'away' : connected ? 'live' : 'partly';
  $('dot').dataset.state = state;
  text($('serverText'), last ? t('server', {version, devices: count === 1 ? t('server.one') : t('server.many', {n: count})}) : t('connecting'));
  const words = !reachable ? t('away')
    : last && last.drain.mode !== 'off' ? t('draining')
      : booted && lostSince && Date.now() - lostSince > EVERY ? t('away.live') : '';
  text($('banner'), words);
  $('banner').hidden = words === '';
}


function showChoices() {
  const theme = showTheme();
  $('theme').replaceChildren(icon({auto: 'auto', light: 'sun', dark: 'moon'}[theme]));
  $('theme').title = t(`theme.${theme}`);
  $('theme').setAttribute('aria-label', t(`theme.${theme}`));
  $('theme').dataset.theme = theme;
  text($('language'), t('language'));
  $('language').lang = currentLanguage() === 'en' ? 'zh-CN' : 'en';
  $('language').setAttribute('aria-label', t('language.label'));
}

function translate() {
  translatePage();
  showChoices();
  relabelDetails();
  retranslate();
  show();
  showHistory();
  showCluster();
  header();
}

server.addEventListener('away', () => { reachable = false; header(); });
server.addEventListener('there', () => { if (!reachable) { reachable = true; header(); connect(); loadHistory(); } });
live.addEventListener('connected', () => { connected = true; lostSince = 0; refreshSoon(); });
live.addEventListener('disconnected', () => { connected = false; lostSince ||= Date.now(); header(); });
['status', 'changed', 'ended'].forEach(type => live.addEventListener(type, refreshSoon));
live.addEventListener('progress', tick);
document.addEventListener('visibilitychange', () => { if (!document.hidden) refreshSoon(); });
$('language').addEventListener('click', () => { switchLanguage(); translate(); });
$('theme').addEventListener('click', () => { nextTheme(); showChoices(); });

hideKeyInAddress();
translatePage();
showChoices();
startDetails();
relabelDetails();
startDevices(afterAction);
startQueue(afterAction);
startGallery();
startComposer(afterAction);
watchForLock(() => { booted = false; refreshSoon(); loadHistory(); });
setInterval(tick, TICK);
loadHistory();
refresh();
