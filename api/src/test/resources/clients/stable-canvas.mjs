// Drives workflows with the package @stable-canvas/comfyui-client: twice, the second time from the
// cache; upload; cancel; and a client that posts before its socket is open.
import { readFileSync } from 'node:fs';
import { Client } from '@stable-canvas/comfyui-client';
import WebSocket from 'ws';

const [, , address, workflow] = process.argv;
const prompt = JSON.parse(readFileSync(workflow, 'utf8'));
prompt['3'].inputs.seed = 103;
const open = (clientId) => new Client({ api_host: address, clientId, WebSocket, fetch });
const client = open('stable-canvas-test');
await client.connect();
// It posts, and listens for "executed" once the answer is there; previews come before the picture.
const saved = (result) => result.images.find((image) => image.type === 'url').data;
const download = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
let steps = 0;
const first = await client.enqueue(prompt, { progress: () => { steps++; } });
const picture = await download(saved(first));
const again = (await download(saved(await client.enqueue(prompt)))).length;
const form = new FormData();
form.append('image', new Blob([picture]), 'stable-canvas.png');
const uploaded = await (await client.fetchApi('/upload/image', { method: 'POST', body: form })).json();
const copied = await client.enqueue({
  1: { class_type: 'LoadImage', inputs: { image: uploaded.name } },
  2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'copied' } },
});
const copy = (await download(saved(copied))).length;
const models = await client.getSDModels();
const hasty = open('stable-canvas-hasty');
hasty.connect();
const early = (await download(saved(await hasty.enqueue(prompt)))).length;
hasty.close();
const interrupted = new Promise((done) => client.on('execution_interrupted', () => done(true)));
client.on('progress', () => client.interrupt());
prompt['3'].inputs.steps = 5000;
await client._enqueue_prompt(prompt);
const cancelled = await interrupted;
client.close();
console.log('RESULT', JSON.stringify({ size: picture.length, again, copy, early, steps, cancelled, models }));
process.exit(0);
