// The WebSocket: progress and previews of running prompts. It connects again by itself.

import {clientId} from './api.js';

/** By prompt id: {value, max, node, since, first} of the running node. */
export const progress = new Map();
/** By prompt id: address of the newest preview. */
export const previews = new Map();
export const events = new EventTarget();

const tell = (type, detail) => events.dispatchEvent(new CustomEvent(type, {detail}));
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
let socket = null;
let pause = FIRST_PAUSE;
let timer = 0;
let current = null;

export function connect() {
  clearTimeout(timer);
  if (socket && socket.readyState <= WebSocket.OPEN) return;
  const address = new URL(`ws?clientId=${clientId}`, location.href);
  address.search = `?clientId=${clientId}`;
  address.hash = '';
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    pause = FIRST_PAUSE;
    socket.send(JSON.stringify({type: 'feature_flags', data: {supports_preview_metadata: true}}));
    tell('connected');
  };
  socket.onmessage = message => typeof message.data === 'string' ? said(JSON.parse(message.data)) : shown(message.data);
  socket.onclose = () => {
    tell('disconnected');
    timer = setTimeout(connect, pause);
    pause = Math.min(LONGEST_PAUSE, pause * 2);
  };
}

function said({type, data}) {
  switch (type) {
    case 'status': tell('status'); break;
    case 'execution_start': current = data.prompt_id; tell('changed'); break;
    case 'executing':
      if (data.node === null) forget(data.prompt_id);
      else { current = data.prompt_id ?? current; progress.delete(current); }
      tell('changed');
      break;
    case 'progress': step(data); tell('progress', data.prompt_id); break;
    case 'execution_success':
    case 'execution_interrupted': forget(data.prompt_id); tell('ended', {type, data}); break;
    case 'execution_error':
      if (data.exception_type !== 'ExecutionBlocked') forget(data.prompt_id);
      tell('ended', {type, data});
      break;
  }
}

/** The time per step is measured from the second step on: the first one includes warming up. */
function step(data) {
  const before = progress.get(data.prompt_id);
  const same = before && before.node === data.node && before.value < data.value;
  progress.set(data.prompt_id, {
    value: data.value, max: data.max, node: data.node,
    first: same ? before.first : data.value, since: same ? before.since : performance.now(), at: performance.now()});
}

/** Seconds until the running node has made its last step, or null before two are seen. */
export function secondsLeft(promptId) {
  const state = progress.get(promptId);
  if (!state || state.value <= state.first) return null;
  const each = (state.at - state.since) / (state.value - state.first);
  return Math.max(0, (each * (state.max - state.value) - (performance.now() - state.at)) / 1000);
}

const WITH_METADATA = 4;
const PLAIN = 1;
const PNG = 2;

function shown(buffer) {
  const view = new DataView(buffer);
  const kind = view.getUint32(0);
  if (kind === WITH_METADATA) {
    const length = view.getUint32(4);
    const about = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
    keep(about.prompt_id, new Blob([buffer.slice(8 + length)], {type: about.image_type}));
  } else if (kind === PLAIN && current) {
    keep(current, new Blob([buffer.slice(8)], {type: view.getUint32(4) === PNG ? 'image/png' : 'image/jpeg'}));
  }
}

function keep(promptId, picture) {
  const before = previews.get(promptId);
  previews.set(promptId, URL.createObjectURL(picture));
  tell('progress', promptId);
  if (before) setTimeout(() => URL.revokeObjectURL(before), 1000);
}

function forget(promptId) {
  progress.delete(promptId);
  const picture = previews.get(promptId);
  if (picture) {
    previews.delete(promptId);
    setTimeout(() => URL.revokeObjectURL(picture), 1000);
  }
}

/** Prompts that ended while the connection was away are forgotten too. */
export function keepOnly(promptIds) {
  [...progress.keys(), ...previews.keys()].filter(id => !promptIds.has(id)).forEach(forget);
}
