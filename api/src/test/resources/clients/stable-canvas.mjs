// Drives one workflow with the package @stable-canvas/comfyui-client.
import { readFileSync } from 'node:fs';
import { Client } from '@stable-canvas/comfyui-client';
import WebSocket from 'ws';

const [, , address, workflow] = process.argv;
const prompt = JSON.parse(readFileSync(workflow, 'utf8'));
const client = new Client({ api_host: address, clientId: 'stable-canvas-test', WebSocket, fetch });
client.connect();
let steps = 0;
const result = await client.enqueue(prompt, { progress: () => { steps++; } });
// Previews stand in the list before the picture that was saved.
const saved = result.images.find((image) => image.type === 'url');
const size = (await (await fetch(saved.data)).arrayBuffer()).byteLength;
const models = await client.getSDModels();
client.close();
console.log('RESULT', JSON.stringify({ size, steps, models }));
process.exit(0);
