// Prompts in API form: which inputs a person wants to change, and how to say a prompt in a line.
// Nothing here touches the document.

/** Inputs shown at once, in this order; all others go under "more". */
const MAIN = ['text', 'image', 'ckpt_name', 'seed', 'noise_seed', 'sampler_name', 'scheduler', 'steps', 'cfg', 'denoise',
  'width', 'height', 'batch_size'];
const SEEDS = ['seed', 'noise_seed'];
const MAX_SEED = 2 ** 48;

export const isPrompt = json => !!json && typeof json === 'object' && !Array.isArray(json)
  && Object.keys(json).length > 0 && Object.values(json).every(node => node && typeof node.class_type === 'string');

export const isSeed = field => SEEDS.includes(field.input);

export const randomSeed = () => Math.floor(Math.random() * MAX_SEED);

const isLink = value => Array.isArray(value) && value.length === 2 && typeof value[1] === 'number';

/** Ids of nodes that feed an input of this name somewhere, through any number of nodes. */
function feeding(prompt, input) {
  const found = new Set();
  const walk = id => {
    if (found.has(id) || !prompt[id]) return;
    found.add(id);
    Object.values(prompt[id].inputs ?? {}).filter(isLink).forEach(link => walk(String(link[0])));
  };
  Object.values(prompt).map(node => node.inputs?.[input]).filter(isLink).forEach(link => walk(String(link[0])));
  return found;
}

/**
 * The inputs that hold a value and not a link: {node, input, title, role, kind, value, choices, min, max, step, main}.
 * `schemas` is the server's /object_info; a node that it does not know is shown by its values alone.
 */
export function fieldsOf(prompt, schemas) {
  const positive = feeding(prompt, 'positive');
  const negative = feeding(prompt, 'negative');
  const fields = [];
  for (const [node, {class_type: kindOfNode, inputs, _meta: meta}] of Object.entries(prompt)) {
    const schema = schemas[kindOfNode]?.input ?? {};
    for (const [input, value] of Object.entries(inputs ?? {})) {
      if (value === null || typeof value === 'object') continue;
      const [type, options = {}] = schema.required?.[input] ?? schema.optional?.[input] ?? [typeof value];
      const role = input !== 'text' ? null
        : negative.has(node) && !positive.has(node) ? 'negative' : positive.has(node) ? 'positive' : null;
      fields.push({node, input, title: meta?.title ?? kindOfNode, role, value, main: MAIN.includes(input),
        ...shape(type, options, value)});
    }
  }
  const counts = {};
  fields.forEach(field => { const name = nameOf(field); counts[name] = (counts[name] ?? 0) + 1; });
  fields.forEach(field => { field.several = counts[nameOf(field)] > 1; });
  const rank = field => (field.main ? MAIN.indexOf(field.input) : MAIN.length) * 2 + (field.role === 'negative' ? 1 : 0);
  return fields.sort((a, b) => rank(a) - rank(b));
}

const nameOf = field => `${field.role ?? ''}/${field.input}`;

function shape(type, options, value) {
  const choices = Array.isArray(type) ? type : type === 'COMBO' ? options.options : null;
  if (choices) return {kind: 'choice', choices: choices.map(String)};
  switch (type) {
    case 'INT': return {kind: 'int', min: options.min, max: options.max, step: options.step ?? 1};
    case 'FLOAT': return {kind: 'float', min: options.min, max: options.max, step: options.step ?? 0.1};
    case 'BOOLEAN': return {kind: 'flag'};
    default:
      if (typeof value === 'number') return {kind: Number.isInteger(value) ? 'int' : 'float', step: 'any'};
      if (typeof value === 'boolean') return {kind: 'flag'};
      return {kind: options.multiline || String(value).length > 60 ? 'text' : 'line'};
  }
}

/** A copy of the prompt with other values: [{node, input, value}]. */
export function withValues(prompt, values) {
  const copy = structuredClone(prompt);
  values.forEach(({node, input, value}) => { copy[node].inputs[input] = value; });
  return copy;
}

/** What a person recognises a prompt by. */
export function describe(prompt) {
  const positive = feeding(prompt, 'positive');
  const negative = feeding(prompt, 'negative');
  const nodes = Object.entries(prompt);
  const value = name => nodes.map(([, node]) => node.inputs?.[name]).find(one => one !== undefined && typeof one !== 'object');
  const texts = nodes.filter(([, node]) => typeof node.inputs?.text === 'string');
  const said = texts.find(([id]) => positive.has(id)) ?? texts[0];
  const unwanted = texts.find(([id]) => negative.has(id) && !positive.has(id));
  const size = value('width') && value('height') ? `${value('width')}×${value('height')}` : null;
  return {
    text: said?.[1].inputs.text.trim() || null,
    negative: unwanted?.[1].inputs.text.trim() || null,
    seed: value('seed') ?? value('noise_seed') ?? null,
    steps: value('steps') ?? null,
    cfg: value('cfg') ?? null,
    sampler: value('sampler_name') ?? null,
    checkpoint: value('ckpt_name') ?? null,
    size,
    nodes: nodes.length,
  };
}

/** The prompt to begin with: text to picture, with what this server has. */
export const demo = (checkpoint, sampler) => ({
  3: {class_type: 'KSampler', inputs: {seed: 123456, steps: 20, cfg: 8, sampler_name: sampler, scheduler: 'normal', denoise: 1,
    model: ['4', 0], positive: ['6', 0], negative: ['7', 0], latent_image: ['5', 0]}},
  4: {class_type: 'CheckpointLoaderSimple', inputs: {ckpt_name: checkpoint}},
  5: {class_type: 'EmptyLatentImage', inputs: {width: 512, height: 512, batch_size: 1}},
  6: {class_type: 'CLIPTextEncode', inputs: {text: 'beautiful landscape, high quality', clip: ['4', 1]}},
  7: {class_type: 'CLIPTextEncode', inputs: {text: 'bad quality, blurry', clip: ['4', 1]}},
  8: {class_type: 'VAEDecode', inputs: {samples: ['3', 0], vae: ['4', 2]}},
  9: {class_type: 'SaveImage', inputs: {filename_prefix: 'ComfyUI', images: ['8', 0]}},
});
