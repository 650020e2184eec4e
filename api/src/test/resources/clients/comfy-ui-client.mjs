// Drives workflows with the package comfy-ui-client: WebSocket, picture, upload, cancel.
import { readFileSync } from 'node:fs';
import { ComfyUIClient } from 'comfy-ui-client';

const [, , address, workflow] = process.argv;
const prompt = JSON.parse(readFileSync(workflow, 'utf8'));
prompt['3'].inputs.seed = 101;
const client = new ComfyUIClient(address, 'comfy-ui-client-test');
await client.connect();
const images = await client.getImages(prompt);
const picture = Buffer.from(await images['9'][0].blob.arrayBuffer());
const uploaded = await client.uploadImage(picture, 'comfy-ui-client.png', true);
const copied = await client.getImages({
  1: { class_type: 'LoadImage', inputs: { image: uploaded.name } },
  2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'copied' } },
});
const copy = (await copied['2'][0].blob.arrayBuffer()).byteLength;
prompt['3'].inputs.steps = 5000;
const { prompt_id: long } = await client.queuePrompt(prompt);
let cancelled;
while (!cancelled) {
  await client.interrupt().catch(() => {}); // it parses the answer, which is empty everywhere
  cancelled = (await client.getHistory(long))[long]?.status;
  await new Promise((done) => setTimeout(done, 100));
}
const stats = await client.getSystemStats();
await client.disconnect();
console.log('RESULT', JSON.stringify({
  size: picture.length, copy, cancelled: cancelled.completed === false,
  version: stats.system.comfyui_version,
}));
process.exit(0);
