// What to do about an error, by what the server said.

import {t} from './i18n.js';

const RULES = [
  [/out of memory|outofmemory|memory is exhausted/i, 'tip.memory'],
  [/deadline/i, 'tip.deadline'],
  [/device failed|driver|cuda/i, 'tip.device'],
  [/checkpoint|safetensors|model|picture|format|not found|no such file|does not exist/i, 'tip.file'],
  [/disk|space|storage|read-only file/i, 'tip.disk'],
  [/shape|dimension|size|channels/i, 'tip.shape'],
];

export function tipFor(error) {
  const said = `${error.exception_type ?? ''} ${error.exception_message ?? ''}`;
  const rule = RULES.find(([pattern]) => pattern.test(said));
  return t(rule ? rule[1] : 'tip.other');
}
