// Drives workflows with the package @saintno/comfyui-sdk: twice, the second time from the cache; upload; cancel.
import { readFileSync } from 'node:fs';
import { CallWrapper, ComfyApi, PromptBuilder } from '@saintno/comfyui-sdk';

const [, , address, workflow] = process.argv;
const prompt = JSON.parse(readFileSync(workflow, 'utf8'));
const api = new ComfyApi('http://' + address, 'comfyui-sdk-test');
await api.init(5, 500).waitForReady();
let progress = 0;
const run = (builder, started) => new Promise((done, fail) => {
  new CallWrapper(api, builder)
    .onProgress(() => { progress++; started?.(); })
    .onFinished(done).onFailed(fail).run();
});
const download = async (image) =>
  new Uint8Array(await (await fetch(api.getPathImage(image))).arrayBuffer());
const text2image = (steps) => new PromptBuilder(prompt, ['seed', 'steps'], ['images'])
  .setInputNode('seed', '3.inputs.seed').setInputNode('steps', '3.inputs.steps')
  .setOutputNode('images', '9').input('seed', 77).input('steps', steps);
const pictures = [];
for (let i = 0; i < 2; i++) {
  const data = await run(text2image(2));
  pictures.push(await download(data.images.images[0]));
}
const uploaded = await api.uploadImage(pictures[0], 'comfyui-sdk.png');
const copied = await run(
  new PromptBuilder({
    1: { class_type: 'LoadImage', inputs: { image: uploaded.info.filename } },
    2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'copied' } },
  }, [], ['images']).setOutputNode('images', '2'));
const copy = (await download(copied.images.images[0])).length;
let cancelled = false;
await run(text2image(5000), () => api.interrupt()).catch(() => { cancelled = true; });
const checkpoints = await api.getCheckpoints();
console.log('RESULT', JSON.stringify({
  size: pictures[0].length, again: pictures[1].length, copy, progress, cancelled, checkpoints,
}));
process.exit(0);
