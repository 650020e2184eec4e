// The page against a server that wants a key: node dashboard-key.mjs ADDRESS CHROMIUM KEY
import puppeteer from 'puppeteer-core';

const [address, executablePath, key] = process.argv.slice(2);
const PATIENCE = 90_000;
const browser = await puppeteer.launch({
  executablePath, headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--lang=en-US'],
});
const result = {};
const page = await browser.newPage();
page.setDefaultTimeout(PATIENCE);
const until = (what, ...values) => page.waitForFunction(what, { timeout: PATIENCE, polling: 100 }, ...values);

await page.goto(`http://${address}/`);
await until(() => document.getElementById('key').open);
await page.type('#keyInput', 'wrong');
await page.keyboard.press('Enter');
await until(() => document.getElementById('keySay').textContent !== '');
result.wrong = await page.$eval('#keySay', node => node.textContent);
await page.$eval('#keyInput', node => { node.value = ''; });
await page.type('#keyInput', key);
await page.keyboard.press('Enter');
await until(() => document.querySelectorAll('.device').length === 1);
await until(() => document.getElementById('dot').dataset.state === 'live');
await page.$eval('#go', node => node.click());
await until(() => document.querySelector('.picture img')?.naturalWidth > 0);
result.picture = true;
result.inScripts = await page.evaluate(() => document.cookie);

const other = await browser.createBrowserContext();
const second = await other.newPage();
await second.goto(`http://${address}/?token=${key}`);
await second.waitForFunction(() => document.querySelectorAll('.device').length === 1, { timeout: PATIENCE });
result.address = await second.evaluate(() => location.search);
console.log('RESULT', JSON.stringify(result));
await browser.close();
process.exit(0);
