// Drives the page in a real browser, as a person would: node dashboard.mjs ADDRESS CHROMIUM SHOTS WORKFLOW EDITOR BROKEN OUTPUTS
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import puppeteer from 'puppeteer-core';

const [address, executablePath, shots, workflow, editor, broken, outputs] = process.argv.slice(2);
const base = `http://${address}/`;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PATIENCE = 90_000;
const result = { violations: [], foreign: [], troubles: [], shifts: 0 };

const browser = await puppeteer.launch({
  executablePath, headless: true, protocolTimeout: PATIENCE,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--lang=en-US'],
});
const page = await browser.newPage();
page.setDefaultTimeout(PATIENCE);
await page.setViewport({ width: 1280, height: 860 });
page.on('pageerror', error => result.troubles.push(String(error)));
page.on('console', message => {
  if (['error', 'warning'].includes(message.type()) && !/Failed to load resource/.test(message.text())) {
    result.troubles.push(message.text());
  }
});
page.on('request', request => {
  if (!request.url().startsWith(base) && !/^(blob|data):/.test(request.url())) result.foreign.push(request.url());
});
await page.evaluateOnNewDocument(() => {
  window.shifted = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => {
    if (!entry.hadRecentInput) window.shifted += entry.value;
  })).observe({ type: 'layout-shift', buffered: true });
});

const text = selector => page.$eval(selector, node => node.textContent.trim());
const until = (what, ...values) => page.waitForFunction(what, { timeout: PATIENCE, polling: 100 }, ...values);
const json = path => page.evaluate(async path => (await fetch(path)).json(), path);
const shot = name => page.screenshot({ path: join(shots, `dashboard-${name}.png`) });
const top = () => page.evaluate(() => scrollTo(0, 0));
const step = name => console.log('step:', name);

/** What axe finds that keeps people out. */
async function accessible(where) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  found.violations.filter(one => ['serious', 'critical'].includes(one.impact)).forEach(one =>
    result.violations.push(`${where}: ${one.id}: ${one.help}: ${one.nodes.map(node => node.html.slice(0, 160)).join(' | ')}`));
}

/** A file dragged over the page and let go, through the browser's own drag and drop. */
async function drop(file) {
  const session = await page.createCDPSession();
  const data = { items: [], files: [file], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop']) {
    await session.send('Input.dispatchDragEvent', { type, x: 500, y: 400, data });
  }
  await session.detach();
  await until(name => document.getElementById('source').textContent.includes(name), basename(file));
}

const fill = (selector, value) => page.$eval(selector, (node, value) => { node.value = value; }, value);
const press = selector => page.$eval(selector, node => node.click());

step('the page shows the devices');
await page.goto(base);
await until(() => document.querySelectorAll('.device').length === 4);
await until(() => document.getElementById('dot').dataset.state === 'live');
result.title = await text('#devicesTitle');
await accessible('empty');
result.shifts = await page.evaluate(() => window.shifted);

result.lone = await page.$eval('#cluster', node => node.hidden);

step('sensors and other servers show, where there are any');
const card = (index, state, queue) => ({ index, name: `cuda:${index}`, model: 'sd_xl_base_1.0', state, queue });
const devices = await json('devices');
devices.devices[0].model = 'NVIDIA H200';
devices.devices[0].sensors = { uuid: 'GPU-0', utilisation: 0.87, watts: 412.3, celsius: 61, faults: {} };
devices.devices[1].sensors = { uuid: 'GPU-1', utilisation: 0, faults: { 79: 2 } };
const pretended = { devices, cluster: { self: 'one', nodes: [
  { name: 'one', address: '10.0.0.1:8188', status: 'up', version: '0.1.0', roles: ['gpu'], queue: 3, last_seen_seconds: 0,
    gpus: [card(0, 'running', 2), card(1, 'idle', 1)] },
  { name: 'two', address: '10.0.0.2:8188', status: 'unreachable', version: '0.1.0', roles: [], queue: 1, last_seen_seconds: 42,
    gpus: [card(0, 'unhealthy', 1)] }] } };
await page.setRequestInterception(true);
const pretend = request => {
  const answer = pretended[request.url().slice(base.length)];
  if (answer) request.respond({ contentType: 'application/json', body: JSON.stringify(answer) });
  else request.continue();
};
page.on('request', pretend);
await page.reload();
await until(() => !document.getElementById('cluster').hidden);
await until(() => document.querySelector('#gpu-0 .sensors').textContent !== '');
result.cluster = await page.$$eval('.server-node', nodes => nodes.map(node => node.innerText.replace(/\s+/g, ' ')));
result.sensors = await page.$$eval('.device .sensors', nodes => nodes.map(node => node.hidden ? '' : node.textContent));
await accessible('cluster');
await page.setViewport({ width: 1280, height: 1080 });
await shot('cluster');
await page.setViewport({ width: 1280, height: 860 });
page.off('request', pretend);
await page.setRequestInterception(false);
await page.reload();
await until(() => document.querySelectorAll('.device').length === 4 && document.getElementById('in-6-text'));

step('a workflow is dragged in, runs with progress and preview, and its picture is there');
await drop(workflow);
result.dropped = await text('#source');
await fill('#in-5-width', 256);
await fill('#in-5-height', 256);
await fill('#in-6-text', 'mountains above a lake at sunset');
await press('#go');
await until(() => [...document.querySelectorAll('.device .screen img')].some(image =>
  !image.hidden && image.src.startsWith('blob:') && image.naturalWidth > 0));
result.preview = true;
await until(() => [...document.querySelectorAll('.device')].some(card =>
  card.querySelector('progress').value > 0 && /step \d+ of 20/.test(card.querySelector('.step').textContent)));
result.progress = true;
await until(() => document.querySelector('.picture img')?.naturalWidth === 256);
result.caption = await text('.picture .caption');

step('a picture that carries its workflow is dragged in');
const made = (await json('history')).valueOf();
const [first] = Object.values(made);
await drop(join(outputs, first.outputs[9].images[0].filename));
result.fromPicture = await page.$eval('#in-6-text', node => node.value);

step('a workflow as the editor saves it is dragged in');
await drop(editor);
result.converted = await page.$eval('#in-1-width', node => node.value);
await press('#go');
await until(() => document.querySelector('.picture img')?.naturalWidth === 48);
const [[newestId, newest]] = Object.entries(await json('history')).slice(-1);
result.keptEditor = newest.prompt[3].extra_pnginfo.workflow.version;
await press(`#historyRows [data-key="${newestId}"] .forget`);
await until(id => !document.querySelector(`[data-key="${id}"]`), newestId);
await drop(workflow);
await fill('#in-5-width', 256);
await fill('#in-5-height', 256);
await fill('#in-6-text', 'mountains above a lake at sunset');

step('paused, three wait: one is moved, one goes to the front, one is cancelled');
await press('#pauseAll');
await until(() => document.querySelectorAll('.device[data-state="paused"]').length === 4);
await fill('#times', 4);
await press('#go');
await until(() => document.querySelectorAll('#queue .row').length === 4);
const ids = () => page.$$eval('#queue .row', rows => rows.map(row => row.dataset.key));
const [one, two, three, four] = await ids();
await page.select(`[data-key="${four}"] select`, '2');
await until(id => fetch('queue/all').then(answer => answer.json()).then(all =>
  all.queues[2].schedule?.some(row => row.prompt_id === id && /named by the client/.test(row.reason))), four);
await until(id => document.querySelector(`[data-key="${id}"] select`).value === '2', four);
await press(`[data-key="${three}"] button:nth-of-type(2)`);
await until(id => document.querySelector('#queue .row').dataset.key === id, three);
await press(`[data-key="${two}"] button:nth-of-type(3)`);
await until(() => document.querySelectorAll('#queue .row').length === 3);
result.order = await ids();
result.expected = [three, one, four];
await accessible('queue');
await top();
await press('#pauseAll');
await until(() => document.querySelectorAll('.picture').length === 4);
result.ranOn2 = (await json('devices')).devices[2].tasks > 0;

step('a running one is stopped');
await fill('#in-3-steps', 2000);
await fill('#times', 1);
await page.select('#target', '1');
await press('#go');
await until(() => !document.querySelector('#gpu-1 .stop').hidden);
await press('#gpu-1 .stop');
await until(() => document.querySelector('#historyRows [data-outcome="interrupted"]'));
await page.select('#target', '');

step('one that fails tells everything');
await drop(broken);
await press('#go');
await until(() => document.getElementById('errorCount').textContent === '1');
await press('#tabErrors');
await press('#errorRows .look');
await until(() => document.getElementById('details').open);
result.error = await text('#detailsBody');
await accessible('error');
await page.keyboard.press('Escape');
await until(() => !document.getElementById('details').open);

step('a picture is looked at, and its prompt used again');
await press('#tabPictures');
await page.click('.picture:last-child');
await until(() => document.querySelector('.large')?.naturalWidth === 256);
await accessible('picture');
await shot('picture');
await press('#detailsBody .primary');
result.reused = await page.$eval('#in-6-text', node => node.value);
await until(() => document.querySelectorAll('.toast').length === 0);

step('light, dark and Chinese, remembered; pictures for the documentation');
await press('#demo');
await fill('#in-5-width', 256);
await fill('#in-5-height', 256);
await fill('#in-6-text', 'a quiet lake below mountains, evening light');
await fill('#times', 8);
await press('#go');
// For the picture's sake four previews at once; on a busy machine fewer will do.
await page.waitForFunction(() => document.querySelectorAll('#queue .row').length >= 3
  && [...document.querySelectorAll('.device .screen img')].filter(image => !image.hidden && image.naturalWidth > 0).length === 4,
{ timeout: 20_000, polling: 100 }).catch(() => step('fewer than four previews at once'));
await page.setViewport({ width: 1280, height: 1080 });
await page.evaluate(() => document.activeElement.blur());
await page.mouse.move(1, 1);
await top();
await shot('light');
const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const light = await ground();
await page.click('#theme');
await page.click('#theme');
assert.notEqual(await ground(), light);
await page.click('#language');
assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
await page.evaluate(() => document.activeElement.blur());
await top();
await accessible('dark, Chinese');
await shot('dark-zh');
await page.reload();
await until(() => document.querySelectorAll('.device').length === 4);
result.remembered = [await page.evaluate(() => document.documentElement.dataset.theme), await text('#devicesTitle')];
result.english = await page.$$eval('[data-t]', nodes => nodes.filter(node => node.offsetParent
  && /^[A-Za-z ]{4,}$/.test(node.textContent.trim())).map(node => node.textContent));

step('a narrow screen');
await page.setViewport({ width: 360, height: 740 });
result.wide = [];
for (const tab of ['#tabErrors', '#tabHistory', '#tabPictures']) {
  await press(tab);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  if (width > 360) result.wide.push(`${tab}: ${width}`);
}
await accessible('narrow');
await top();
await shot('phone');
await page.click('#language');
await page.setViewport({ width: 1280, height: 860 });

step('by keyboard alone');
await page.reload();
await until(() => document.querySelectorAll('.device').length === 4 && document.getElementById('in-6-text'));
const reached = new Set();
for (let i = 0; i < 60; i++) {
  await page.keyboard.press('Tab');
  reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.className));
}
result.unreached = ['language', 'theme', 'pauseAll', 'demo', 'open', 'in-6-text', 'in-3-steps', 'times', 'target', 'go', 'tabPictures']
  .filter(id => !reached.has(id));
await page.focus('#tabPictures');
await page.keyboard.press('ArrowRight');
assert.equal(await page.evaluate(() => document.activeElement.id), 'tabHistory');
assert.equal(await page.$eval('#history', node => node.hidden), false);

step('the server is away for a while');
await page.setOfflineMode(true);
await until(() => !document.getElementById('banner').hidden);
await page.setOfflineMode(false);
await until(() => document.getElementById('banner').hidden);

step('axe would have said so');
const clean = result.violations.length;
await page.evaluate(() => document.body.append(document.createElement('button')));
await accessible('canary');
result.canary = result.violations.splice(clean);

console.log('RESULT', JSON.stringify(result));
await browser.close();
process.exit(0);
