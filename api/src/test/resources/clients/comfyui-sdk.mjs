// Drives one workflow with the package @saintno/comfyui-sdk, twice: the second time from the cache.
import { readFileSync } from 'node:fs';
import { CallWrapper, ComfyApi, PromptBuilder } from '@saintno/comfyui-sdk';

const [, , address, workflow] = process.argv;
const prompt = JSON.parse(readFileSync(workflow, 'utf8'));
const api = new ComfyApi('http://' + address, 'comfyui-sdk-test');
await api.init(5, 500).waitForReady();
const sizes = [];
for (let i = 0; i < 2; i++) {
  const builder = new PromptBuilder(prompt, ['seed'], ['images'])
    .setInputNode('seed', '3.inputs.seed')
    .setOutputNode('images', '9')
    .input('seed', 77);
  const data = await new Promise((done, fail) => {
    new CallWrapper(api, builder).onFinished(done).onFailed(fail).run();
  });
  const answer = await fetch(api.getPathImage(data.images.images[0]));
  sizes.push((await answer.arrayBuffer()).byteLength);
}
const checkpoints = await api.getCheckpoints();
console.log('RESULT', JSON.stringify({ size: sizes[0], again: sizes[1], checkpoints }));
process.exit(0);
