// Drives one workflow with the package comfy-ui-client: upload, WebSocket, picture.
import { readFileSync } from 'node:fs';
import { ComfyUIClient } from 'comfy-ui-client';

const [, , address, workflow] = process.argv;
const prompt = JSON.parse(readFileSync(workflow, 'utf8'));
const client = new ComfyUIClient(address, 'comfy-ui-client-test');
await client.connect();
const images = await client.getImages(prompt);
const size = (await images['9'][0].blob.arrayBuffer()).byteLength;
const stats = await client.getSystemStats();
await client.disconnect();
console.log('RESULT', JSON.stringify({ size, version: stats.system.comfyui_version }));
process.exit(0);
